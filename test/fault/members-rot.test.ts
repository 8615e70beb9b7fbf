// Rot in the journal of a member: every flip is seen, none leads to another record, and the member knows that it has lost
// something. Metadata that is made anew with a member whose journal has rotted has everything, or refuses in words.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { DriveId } from "../../src/core/ids.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import type { JournalMember } from "../../src/journal/journal-member.ts";
import { openLocalMember, type LocalMemberOptions } from "../../src/journal/local-member.ts";
import { MembersError } from "../../src/metadata/members/survey.ts";
import { openWithMembers } from "../../src/metadata/sqlite/open-with-members.ts";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { at, bytesOf, givenRecords, last, readAll, records } from "../contract/chain-records.ts";

const DRIVES = ["d0", "d1", "d2"] as DriveId[];
const SEED = Number(process.env["KINTSUGI_SEED"] ?? Date.now() % 2 ** 31);
const FLIPS = Number(process.env["KINTSUGI_FLIPS"] ?? 60);
const FAST_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

test("F31 a flip of any bit of any segment yields what stands before it, and a remark; never another record", async () => {
  const chain = records(12, { payloadBytes: 20 });
  const clean = new SimDrive({ seed: 1 });
  await givenRecords(open(clean, { segmentBytesMax: 500 }), chain, 2);
  expect((await open(clean).inspect()).isIncomplete).toBe(false);
  const names = await segmentsOf(clean);
  expect(names.length).toBeGreaterThan(2);
  let flips = 0;
  for (const name of names) {
    const { length } = await clean.readFile(`journal/${name}`);
    for (let offset = 0; offset < length; offset += 1) {
      const path = `journal/${name}`;
      const bit = (offset * 5 + flips) % 8;
      clean.corrupt(path, { kind: "flip", offset, bit });
      const member = open(clean, { segmentBytesMax: 500 });
      const context = `${name}, byte ${offset}, bit ${bit}`;
      const state = await member.inspect();
      const isSame = state.head.sequence === chain.length && state.base.sequence === 0;
      expect(state.remarks.length, context).toBeGreaterThan(0);
      expect(isSame, context).toBe(false);
      // It knows that it has lost something, unless that was at the very end: it looks like an append cut off there.
      const isEnd = name === names.at(-1) && state.head.sequence >= chain.length - 2;
      expect(state.isIncomplete || state.isBlank || isEnd, context).toBe(true);
      expect(state.head.digest, context).toBe(at(chain, state.head.sequence).digest);
      const read = await readAll(member, state.base.sequence + 1);
      const expected = chain.slice(state.base.sequence, state.head.sequence);
      expect(Buffer.concat(read).equals(Buffer.concat(bytesOf(expected))), context).toBe(true);
      clean.corrupt(path, { kind: "flip", offset, bit });
      flips += 1;
    }
  }
  console.log(`${flips} flips, all seen`);
  expect((await open(clean).inspect()).head).toEqual(last(chain).position);
});

test(`a database made anew beside a member whose journal has rotted has everything, or is refused in words (seed ${SEED})`, async () => {
  const folder = mkdtempSync(join(FAST_FOLDER, "kintsugi-rot-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const random = seededRandom(SEED);
  const drives = DRIVES.map((_, index) => new SimDrive({ seed: index + 1 }));
  const names = await givenSettings(join(folder, "first.db"), drives);
  const segments = await segmentsOf(drives[0]);
  const totals = { whole: 0, refused: 0 };
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const copies = await Promise.all(drives.map(copyOf));
    const name = segments[random.below(segments.length)] ?? "";
    const { length } = (await copies[0]?.readFile(`journal/${name}`)) ?? Buffer.alloc(0);
    const [offset, bit] = [random.below(length), random.below(8)];
    copies[0]?.corrupt(`journal/${name}`, { kind: "flip", offset, bit });
    // Rot that is seen at once, or on reading; with all members there, or with one of the others away.
    const readBytesMax = random.below(2) * 1_000_000;
    const present = copies.slice(0, 2 + random.below(2));
    const path = join(folder, `metadata-${flip}.db`);
    const context = `flip ${flip} of seed ${SEED}: ${name}, byte ${offset}, bit ${bit}, ${present.length} members`;
    const outcome = await openOn(path, present, { readBytesMax }).catch((error: unknown) => error);
    if (outcome instanceof MembersError) {
      totals.refused += present.length === 2 ? 1 : Number.NaN;
      continue;
    }
    if (outcome instanceof Error) throw new Error(context, { cause: outcome });
    close(outcome as Opened);
    expect(settingsOf(path), context).toEqual(names);
    totals.whole += 1;
  }
  // With three members nothing is refused: two of them know everything.
  expect(totals.whole + totals.refused).toBe(FLIPS);
  console.log(totals);
  expect(totals.whole).toBeGreaterThan(FLIPS / 3);
}, 120_000);

/** Writes a chain of a few segments on the drives, by several lives; resolves to what it says. */
async function givenSettings(path: string, drives: readonly SimDrive[]): Promise<string[]> {
  const names: string[] = [];
  for (let life = 0; life < 4; life += 1) {
    const opened = await openOn(path, drives, {});
    for (let count = 0; count < 4; count += 1) {
      const name = `name-${names.length}`;
      const input = { name, value: name };
      await opened.writer.apply({
        kind: "group",
        nowMs: 1,
        requests: [{ name: "ensureSetting", input }],
      });
      names.push(name);
    }
    close(opened);
  }
  return names.toSorted();
}

type Opened = Awaited<ReturnType<typeof openWithMembers>>;

function close({ group, writer }: Opened): void {
  group.end();
  writer.close();
}

function openOn(
  path: string,
  drives: readonly SimDrive[],
  options: Partial<LocalMemberOptions>,
): Promise<Opened> {
  return openWithMembers({
    path,
    members: drives.map((drive, index) =>
      open(drive, { ...options, driveId: DRIVES[index] ?? ("" as DriveId) }),
    ),
    drives: DRIVES,
    toleratedCount: 1,
    owner: "00000000000000aa",
    clusterId: "cluster",
    acceptLoss: false,
    onProgress: () => {},
    onReport: () => {},
  });
}

function settingsOf(path: string): string[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare<[], string>("select name from settings order by name").pluck().all();
  } finally {
    database.close();
  }
}

function open(drive: SimDrive, options: Partial<LocalMemberOptions> = {}): JournalMember {
  return openLocalMember({
    disk: drive,
    driveId: DRIVES[0] ?? ("" as DriveId),
    segmentBytesMax: 2_000,
    checkPresent: async () => undefined,
    ...options,
  });
}

async function segmentsOf(drive: SimDrive | undefined): Promise<string[]> {
  const entries = (await drive?.list("journal")) ?? [];
  return entries
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".log"))
    .toSorted();
}

async function copyOf(drive: SimDrive, index: number): Promise<SimDrive> {
  const copy = new SimDrive({ seed: index + 1 });
  await copy.makeDirectory("journal");
  for (const { name, isDirectory } of await drive.list("journal")) {
    if (isDirectory) continue;
    await copy.writeFile(`journal/${name}`, await drive.readFile(`journal/${name}`));
  }
  return copy;
}
