// F15, F16: a database from before there were members is adopted, whatever point the process is killed at; and what a
// newer version wrote is refused with words, with nothing changed.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { encodeRecord } from "../../src/journal/journal-record.ts";
import { openMember } from "../../src/metadata/members/member-spec.ts";
import { openMemberedMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import { APPLICATION_ID, MIGRATIONS } from "../../src/metadata/sqlite/schema.ts";
import type { MembersPlan } from "../../src/metadata/sqlite/writer-host.ts";
import type { CrashPoint } from "../../src/util/crash-point.ts";
import { crc32c } from "../../src/util/crc32c.ts";
import { CLUSTER, formatMembers } from "../support/member-folders.ts";

const FAST_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const OPENER = new URL("../../src/metadata/sqlite/open-sqlite-metadata.ts", import.meta.url);
const COUNT = 20;

/** A point, and at which passing it is the last. */
const POINTS: readonly `${CrashPoint}:${number}`[] = [
  "journal.promised:1",
  "journal.promised:3",
  "recovery.adopted:1",
  "journal.segment-written:1",
  "journal.segment-named:2",
  "snapshot.made:1",
  "journal.snapshot-written:1",
  "journal.snapshot-named:2",
  "snapshot.copied:1",
  "snapshot.copied:2",
  "recovery.chain-begun:1",
  "journal.appended:1",
  "journal.synced:1",
  "recovery.epoch-opened:1",
];

test.each(POINTS)(
  "F15 F16 killed at %s, the adoption of an older database is done by the next start",
  async (point) => {
    const { base, specs, folder, plan } = await givenOldDatabase();
    expect(await openInProcess({ folder, plan }, point)).toBe("SIGKILL");
    const first = await opened(folder, plan);
    await expectAll(first.metadata);
    await first.metadata.ensureSetting("after", "it");
    await first.metadata.close();
    // It has copies now: any one drive may go, and the file too.
    const specsLeft = specs.slice(1);
    await rm(specs[0]?.path ?? "", { recursive: true });
    const second = await opened(join(base, "another"), { ...plan, specs: specsLeft });
    await expectAll(second.metadata);
    expect(await second.metadata.findSetting("after")).toBe("it");
    await second.metadata.close();
  },
);

test("F15 an older database is adopted with as many drives away as may be, and not with more", async () => {
  const { specs, folder, plan } = await givenOldDatabase();
  await expect(opened(folder, { ...plan, specs: specs.slice(2) })).rejects.toThrow(
    /1 of 3 drives answer.*Nothing was changed.*all but 1 of/s,
  );
  const { metadata } = await opened(folder, { ...plan, specs: specs.slice(1) });
  await expectAll(metadata);
  await metadata.close();
});

test("F15 a database of a newer schema is refused with words", async () => {
  const { folder, plan } = await givenOldDatabase();
  const database = new Database(join(folder, "metadata.db"));
  database.pragma(`user_version = ${MIGRATIONS.length + 1}`);
  database.close();
  expect(await refusal(folder, plan)).toMatch(/written by a newer Kintsugi/);
});

test("F15 a chain with a record of a newer kind is refused with words, and the database is not set aside", async () => {
  const { folder, plan, specs } = await givenAdopted();
  for (const spec of specs) {
    const member = await openMember(spec);
    const { promised, head } = await member.inspect();
    const authority = { epoch: (promised?.epoch ?? 0) + 1, owner: "00000000000000bb" };
    await member.promise(authority);
    const { sequence, digest: previousDigest } = head;
    const { epoch } = authority;
    const input = { sequence: sequence + 1, epoch, kind: 200, previousDigest };
    await member.append(authority, [encodeRecord({ ...input, payload: [Buffer.from("?")] }).bytes]);
    await member.close();
  }
  expect(await refusal(folder, plan)).toMatch(/record of kind 200, written by a newer Kintsugi/);
});

test("F15 journals that a newer version wrote are refused with words", async () => {
  const { folder, plan, specs } = await givenAdopted();
  for (const { path } of specs) {
    const disk = openRealDisk({ root: path, deadlineMs: 10_000, maxInFlight: 2 });
    const names = (await disk.list("journal")).map(({ name }) => name);
    const name =
      names
        .filter((each) => each.endsWith(".log"))
        .toSorted()
        .at(-1) ?? "";
    const bytes = Buffer.from(await disk.readFile(`journal/${name}`));
    bytes.writeUInt32LE(2, 12);
    bytes.writeUInt32LE(crc32c(bytes.subarray(4, bytes.readUInt32LE(16))), 0);
    await disk.writeFile(`journal/${name}`, bytes);
  }
  expect(await refusal(folder, plan)).toMatch(/run the newer program/);
});

test("F15 snapshots that a newer version wrote are refused with words", async () => {
  const { folder, plan, specs } = await givenAdopted();
  for (const { path } of specs) {
    const disk = openRealDisk({ root: path, deadlineMs: 10_000, maxInFlight: 2 });
    const sum = crc32c(Buffer.from(JSON.stringify([2, {}])));
    const checksum = sum.toString(16).padStart(8, "0");
    const file = JSON.stringify({ formatVersion: 2, checksum, content: {} });
    await disk.writeFile("journal/0000000000000009.snapshot.json", Buffer.from(file));
  }
  expect(await refusal(folder, plan)).toMatch(/run the newer program/);
});

interface Place {
  readonly folder: string;
  readonly plan: MembersPlan;
}

/** Drives with identities, and a database as the first version of the schema wrote it. */
async function givenOldDatabase() {
  const base = await mkdtemp(join(FAST_FOLDER, "kintsugi-upgrade-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const { specs } = await formatMembers(base, 3);
  const folder = join(base, "metadata");
  await mkdir(folder);
  const database = new Database(join(folder, "metadata.db"));
  database.pragma("journal_mode = WAL");
  database.exec(MIGRATIONS[0] ?? "");
  database.pragma(`application_id = ${APPLICATION_ID}`);
  database.pragma("user_version = 1");
  const insert = database.prepare("insert into settings (name, value) values (?, ?)");
  for (let index = 0; index < COUNT; index += 1) insert.run(`name-${index}`, `value-${index}`);
  database.close();
  const plan: MembersPlan = {
    specs,
    drives: specs.map(({ driveId }) => driveId),
    toleratedCount: 1,
    owner: "00000000000000aa",
    clusterId: CLUSTER,
    acceptLoss: false,
  };
  return { base, specs, folder, plan };
}

async function givenAdopted() {
  const given = await givenOldDatabase();
  const { metadata } = await opened(given.folder, given.plan);
  await metadata.close();
  return given;
}

const quiet = (): void => undefined;

function opened(folder: string, plan: MembersPlan) {
  return openMemberedMetadata({ folder, plan, onLog: quiet, onFenced: quiet });
}

/** Opens it in a process of its own; resolves to the signal that ended it. */
function openInProcess(place: Place, crashAt: string): Promise<string | null> {
  const program = `
    const { openMemberedMetadata } = await import(${JSON.stringify(fileURLToPath(OPENER))});
    const options = { ...${JSON.stringify(place)}, onLog() {}, onFenced() {} };
    const { metadata } = await openMemberedMetadata(options);
    await metadata.close();`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    env: { PATH: process.env["PATH"], KINTSUGI_CRASH_AT: crashAt },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((resolve) => {
    child.once("close", (_code, signal) => resolve(signal));
  });
}

async function expectAll(store: Awaited<ReturnType<typeof opened>>["metadata"]): Promise<void> {
  for (let index = 0; index < COUNT; index += 1) {
    expect(await store.findSetting(`name-${index}`)).toBe(`value-${index}`);
  }
}

/** The words of it; the database has its place still. */
async function refusal(folder: string, plan: MembersPlan): Promise<string> {
  const error = await opened(folder, plan).catch((each: unknown) => each);
  const names = await readdir(folder);
  expect(names).toContain("metadata.db");
  expect(names.filter((name) => name.includes("aside"))).toEqual([]);
  return String(error);
}
