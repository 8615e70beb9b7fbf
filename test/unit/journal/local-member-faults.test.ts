// A journal member on a drive whose bytes rot, that is full, hangs, is gone, or holds what others have written.

import { expect, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { DiskError } from "../../../src/disk/disk.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import type { DiskCall, SimEffect } from "../../../src/disk/sim-fault.ts";
import {
  CHAIN_START,
  JournalError,
  type JournalMember,
} from "../../../src/journal/journal-member.ts";
import { openLocalMember, type LocalMemberOptions } from "../../../src/journal/local-member.ts";
import { crc32c } from "../../../src/util/crc32c.ts";
import { encodeSegmentHeader } from "../../../src/journal/segment-header.ts";
import {
  at,
  authority,
  bytesOf,
  codeOf,
  givenRecords,
  LAB_CLUSTER,
  last,
  pieces,
  readAll,
  readSnapshot,
  records,
  snapshot,
} from "../../contract/chain-records.ts";

const DRIVE = "6d1f6e1a-3a0c-4b58-9a44-0000000000d1" as DriveId;

test("rot in an old segment that an inspection does not read is found by the read, and truncation begins before it", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(30);
  await givenRecords(open(drive), chain, 3);
  const [first = ""] = await segmentsOf(drive);
  const { length } = await drive.readFile(`journal/${first}`);
  drive.corrupt(`journal/${first}`, { kind: "flip", offset: length - 300 });
  const member = open(drive, { readBytesMax: 0 });
  expect((await member.inspect()).head).toEqual(last(chain).position);
  expect(await codeOf(readAll(member, 1))).toBe("Corrupt");
  await member.promise(authority(2));
  const { head } = await open(drive).inspect();
  expect(head.sequence).toBeLessThan(15);
  await member.truncate(authority(2), head, LAB_CLUSTER);
  await member.append(authority(2), bytesOf(chain.slice(head.sequence)));
  const back = await readAll(open(drive), 1);
  expect(Buffer.concat(back).equals(Buffer.concat(bytesOf(chain)))).toBe(true);
});

test("a segment in the middle that is gone makes the later ones unreachable; they are kept when others take their place", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(40);
  await givenRecords(open(drive), chain, 3);
  const names = await segmentsOf(drive);
  await drive.unlink(`journal/${names[1]}`);
  const member = open(drive);
  const { head, remarks } = await member.inspect();
  expect(head.sequence).toBeLessThan(15);
  expect(remarks.join()).toContain("does not reach");
  await member.promise(authority(2));
  await member.append(authority(2), bytesOf(chain.slice(head.sequence)));
  const again = await open(drive).inspect();
  expect(again.head).toEqual(last(chain).position);
  expect((await drive.list("journal/aside")).length).toBe(names.length - 2);
});

test("what is put aside is kept, the newest of it, and does not grow without bound", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(3);
  await givenRecords(open(drive), chain);
  for (let epoch = 2; epoch < 110; epoch += 1) {
    const member = open(drive);
    await member.promise(authority(epoch));
    const [other] = records(1, { after: epoch });
    await member.truncate(authority(epoch), other.position, LAB_CLUSTER);
  }
  const names = (await drive.list("journal/aside")).map(({ name }) => name).toSorted();
  expect(names.length).toBeGreaterThan(90);
  expect(names.length).toBeLessThan(105);
  expect(Number.parseInt(names.at(-1)?.slice(0, 8) ?? "", 16)).toBe(108);
});

test("a torn tail is ignored, remarked, and kept when the next process begins", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(5);
  await givenRecords(open(drive), chain.slice(0, 4));
  const [name = ""] = await segmentsOf(drive);
  drive.corrupt(`journal/${name}`, { kind: "extend", bytes: last(chain).bytes.subarray(0, 99) });
  const member = open(drive);
  const state = await member.inspect();
  expect(state.head).toEqual(at(chain, 4));
  expect(state.remarks.join()).toContain("intact up to record 4");
  expect((await member.promise(authority(2))).head).toEqual(at(chain, 4));
  const [aside] = await drive.list("journal/aside");
  expect(aside?.name).toBe(`00000001-${name}.tail`);
  const kept = await drive.readFile(`journal/aside/${aside?.name}`);
  expect(Buffer.compare(kept, last(chain).bytes.subarray(0, 99))).toBe(0);
  expect((await open(drive).inspect()).remarks).toEqual([
    "1 files were set aside in journal/aside",
  ]);
});

test.each<[DiskCall, SimEffect, string]>([
  ["append", { kind: "error", code: "EIO" }, "Unavailable"],
  ["append", { kind: "error", code: "ENOSPC" }, "Full"],
  ["append", { kind: "short", code: "ENOSPC" }, "Full"],
  ["append", { kind: "hang" }, "Unavailable"],
  ["sync", { kind: "error", code: "EIO" }, "Unavailable"],
  ["sync", { kind: "hang" }, "Unavailable"],
  ["sync", { kind: "slow", delayMs: 5_000 }, "Unavailable"],
])(
  "F43 F44 F46 after %s with %o it takes nothing before it is inspected",
  async (call, effect, code) => {
    const drive = new SimDrive({ seed: 1, wait: async () => undefined });
    const member = open(drive);
    const chain = records(8);
    await givenRecords(member, chain.slice(0, 4));
    drive.inject({ calls: [call], times: 1, effect });
    const append = (from: number) =>
      member.append(authority(1), bytesOf(chain.slice(from, from + 2)));
    expect(await codeOf(append(4))).toBe(code);
    expect(await codeOf(append(4))).toBe("Unavailable");
    expect(await codeOf(member.read(1, 1))).toBe("Unavailable");
    const { head } = await member.inspect();
    expect([4, 5, 6]).toContain(head.sequence);
    await append(head.sequence);
    drive.crash("lost");
    expect((await open(drive).inspect()).head.sequence).toBe(head.sequence + 2);
  },
);

test("F43 a full drive refuses records, and what it holds stays; room made, it goes on", async () => {
  const drive = new SimDrive({ seed: 1, capacityBytes: 9_000 });
  const member = open(drive);
  const chain = records(60);
  await givenRecords(member, chain.slice(0, 20), 2);
  let count = 20;
  let code: string | undefined;
  while (code === undefined) {
    code = await codeOf(member.append(authority(1), bytesOf(chain.slice(count, count + 1))));
    count += code === undefined ? 1 : 0;
  }
  expect(code).toBe("Full");
  expect((await member.inspect()).head).toEqual(at(chain, count));
  await member.cut(authority(1), 15);
  await member.append(authority(1), bytesOf(chain.slice(count, count + 2)));
  expect((await open(drive).inspect()).head).toEqual(at(chain, count + 2));
});

test("a cut reads no records: it is told at once, whatever the journal holds", async () => {
  const drive = new SimDrive({ seed: 1 });
  const member = open(drive);
  const chain = records(60);
  await givenRecords(member, chain, 3);
  const end = drive.inject({ calls: ["read"], effect: { kind: "error", code: "EIO" } });
  const { base, head } = await member.cut(authority(1), 40);
  end();
  expect(base.sequence).toBeGreaterThan(20);
  expect(head).toEqual(last(chain).position);
  expect(await open(drive).inspect()).toMatchObject({ base, head });
});

test("F43 a snapshot that would fill the drive is refused: records come before it", async () => {
  const drive = new SimDrive({ seed: 1, capacityBytes: 24_000 });
  const member = open(drive);
  const chain = records(4);
  await givenRecords(member, chain.slice(0, 3));
  const { info, bytes } = snapshot(at(chain, 2), 15_000);
  expect(await codeOf(member.writeSnapshot(authority(1), info, pieces(bytes)))).toBe("Full");
  await member.append(authority(1), bytesOf(chain.slice(3)));
  expect((await member.inspect()).snapshot).toBe(undefined);
});

test("F39 F41 where the drive is gone, or another's, nothing is written and nothing is called blank", async () => {
  const drive = new SimDrive({ seed: 1 });
  let isThere = false;
  const checkPresent = async (): Promise<void> => {
    if (!isThere) throw new JournalError("Unavailable", "its mount is missing");
  };
  const member = open(drive, { checkPresent });
  expect(await codeOf(member.inspect())).toBe("Unavailable");
  expect(await codeOf(member.promise(authority(1)))).toBe("Unavailable");
  isThere = true;
  const chain = records(3);
  await givenRecords(member, chain);
  isThere = false;
  const later = open(drive, { checkPresent });
  expect(await codeOf(later.append(authority(1), bytesOf(chain)))).toBe("Unavailable");
  expect(await codeOf(member.promise(authority(2)))).toBe("Unavailable");
  const { info, bytes } = snapshot(at(chain, 1));
  const writing = later.writeSnapshot(authority(1), info, pieces(bytes));
  expect(await codeOf(writing)).toBe("Unavailable");
  drive.setOffline(true);
  isThere = true;
  expect(await codeOf(open(drive, { checkPresent }).inspect())).toBe("Unavailable");
});

test("files that are not ours, or of another drive, are remarked and left alone", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(4);
  await givenRecords(open(drive), chain);
  const foreign = encodeSegmentHeader(
    {
      clusterId: LAB_CLUSTER,
      driveId: "another drive",
      authority: authority(9),
      base: CHAIN_START,
      follows: undefined,
    },
    undefined,
  );
  const theirs = "journal/00ffffff-0000000000000001-00000009.log";
  await drive.writeFile(theirs, foreign);
  await drive.writeFile("journal/notes.txt", Buffer.from("mine"));
  await drive.makeDirectory("journal/lost+found");
  const member = open(drive);
  const state = await member.inspect();
  expect(state).toMatchObject({ head: last(chain).position, promised: authority(1) });
  expect(state.remarks).toHaveLength(3);
  await member.promise(authority(2));
  await member.truncate(authority(2), at(chain, 1), LAB_CLUSTER);
  await member.cut(authority(2), 1);
  expect((await drive.readFile("journal/notes.txt")).length).toBe(4);
  expect((await drive.readFile(theirs)).length).toBe(foreign.length);
});

test.each(["journal/promise.json", "journal/0000000000000002.snapshot.json", "segment"])(
  "F60 a newer version of %s is refused with words",
  async (which) => {
    const drive = new SimDrive({ seed: 1 });
    const chain = records(4);
    const member = open(drive);
    await givenRecords(member, chain);
    const { info, bytes } = snapshot(at(chain, 2));
    await member.writeSnapshot(authority(1), info, pieces(bytes));
    if (which === "segment") {
      const head = Buffer.from(encodeSegmentHeader(headerOf(7), undefined));
      await drive.writeFile("journal/000000aa-0000000000000001-00000007.log", newer(head));
    } else {
      const text = Buffer.from(await drive.readFile(which)).toString();
      const { content } = JSON.parse(text) as { content: unknown };
      const sum = crc32c(Buffer.from(JSON.stringify([2, content])));
      const checksum = sum.toString(16).padStart(8, "0");
      const file = JSON.stringify({ formatVersion: 2, checksum, content });
      await drive.writeFile(which, Buffer.from(file));
    }
    const inspecting = open(drive).inspect();
    await expect(inspecting).rejects.toThrow("run the newer program");
    expect(await codeOf(open(drive).promise(authority(2)))).toBe("Corrupt");
  },
);

test("a damaged promise is known from what its owner wrote; it is kept, and a lower epoch is refused", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(4);
  const member = open(drive);
  await givenRecords(member, chain);
  await member.promise(authority(5));
  const { length } = await drive.readFile("journal/promise.json");
  for (let offset = 0; offset < length - 1; offset += 1) {
    drive.corrupt("journal/promise.json", { kind: "flip", offset });
    const { promised, remarks } = await open(drive).inspect();
    expect(promised, `byte ${offset}`).toEqual(authority(5));
    expect(remarks.join(), `byte ${offset}`).toContain("promise.json is damaged");
    drive.corrupt("journal/promise.json", { kind: "flip", offset });
  }
  drive.corrupt("journal/promise.json", { kind: "truncate", sizeBytes: 10 });
  const later = open(drive);
  expect(await codeOf(later.promise(authority(4)))).toBe("Fenced");
  expect(await codeOf(later.promise({ epoch: 5, owner: "b".repeat(16) }))).toBe("Fenced");
  await later.promise(authority(6));
  const aside = await drive.list("journal/aside");
  expect(aside.map(({ name }) => name)).toEqual(["00000001-promise.json"]);
  expect((await open(drive).inspect()).promised).toEqual(authority(6));
});

test("a promise that a power cut interrupts is the old one or the new one", async () => {
  for (let skip = 0; skip < 12; skip += 1) {
    const drive = new SimDrive({ seed: skip });
    const member = open(drive);
    await givenRecords(member, records(2));
    drive.inject({ skip, effect: { kind: "error", code: "EIO" } });
    const failed = await codeOf(member.promise(authority(2)));
    drive.heal();
    drive.crash("torn");
    const { promised } = await open(drive).inspect();
    expect(failed === undefined ? [2] : [1, 2]).toContain(promised?.epoch);
  }
});

test.each(["cut", "promise"])(
  "F10 a power cut at any step of a %s leaves a whole chain",
  async (call) => {
    const chain = records(60);
    for (let round = 0; round < 120; round += 1) {
      const drive = new SimDrive({ seed: round });
      const member = open(drive);
      await givenRecords(member, chain, 3);
      if (call === "promise") await member.cut(authority(1), 59);
      drive.inject({ skip: round % 24, effect: { kind: "error", code: "EIO" } });
      const step =
        call === "cut" ? member.cut(authority(1), 50) : open(drive).promise(authority(2));
      await codeOf(step);
      drive.heal();
      drive.crash("torn");
      const { head, base } = await open(drive).inspect();
      expect(head, `round ${round}`).toEqual(last(chain).position);
      expect(base.sequence).toBeLessThanOrEqual(call === "cut" ? 50 : 59);
      const read = await readAll(open(drive), base.sequence + 1);
      const expected = Buffer.concat(bytesOf(chain.slice(base.sequence)));
      expect(Buffer.concat(read).equals(expected), `round ${round}`).toBe(true);
    }
  },
);

test("a snapshot that rots is not whole, or is Corrupt when it is read", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(4);
  const member = open(drive);
  await givenRecords(member, chain);
  const [early, late] = [snapshot(at(chain, 1)), snapshot(at(chain, 3))];
  for (const { info, bytes } of [early, late]) {
    await member.writeSnapshot(authority(1), info, pieces(bytes));
  }
  const path = "journal/0000000000000003.snapshot";
  drive.corrupt(path, { kind: "flip", offset: 5_000 });
  expect((await open(drive).inspect()).snapshot).toEqual(late.info);
  expect(await codeOf(readSnapshot(open(drive), late.info))).toBe("Corrupt");
  drive.corrupt(path, { kind: "truncate", sizeBytes: 9_999 });
  const { snapshot: whole, remarks } = await open(drive).inspect();
  expect(whole).toEqual(early.info);
  expect(remarks.join()).toContain("of another size");
  drive.corrupt("journal/0000000000000001.snapshot.json", { kind: "flip", offset: 60 });
  expect((await open(drive).inspect()).snapshot).toBe(undefined);
});

test("a snapshot by another thread is known where it matters, and void once another owner is promised", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(30);
  const [writer, copier] = [open(drive), open(drive)];
  await givenRecords(writer, chain, 3);
  const [early, late, tardy] = [2, 20, 25].map((sequence) => snapshot(at(chain, sequence)));
  if (early === undefined || late === undefined || tardy === undefined) throw new Error("none");
  await copier.writeSnapshot(authority(1), early.info, pieces(early.bytes));
  await copier.writeSnapshot(authority(1), late.info, pieces(late.bytes));
  await writer.cut(authority(1), 20);
  const names = (await drive.list("journal")).map(({ name }) => name);
  expect(names).not.toContain("0000000000000002.snapshot");
  expect(names).toContain("0000000000000014.snapshot");
  async function* promisedMeanwhile(): AsyncGenerator<Uint8Array> {
    yield* pieces(tardy?.bytes ?? Buffer.alloc(0));
    expect((await writer.promise(authority(2))).snapshot).toEqual(late?.info);
  }
  const writing = copier.writeSnapshot(authority(1), tardy.info, promisedMeanwhile());
  expect(await codeOf(writing)).not.toBe(undefined);
  expect((await writer.inspect()).snapshot).toEqual(late.info);
  await writer.truncate(authority(2), at(chain, 19), LAB_CLUSTER);
  expect((await open(drive).inspect()).snapshot).toBe(undefined);
});

test("what interrupted writes have left is removed by the next promise", async () => {
  const drive = new SimDrive({ seed: 1 });
  const chain = records(4);
  const member = open(drive);
  await givenRecords(member, chain);
  const { info, bytes } = snapshot(at(chain, 2));
  drive.inject({ calls: ["rename"], skip: 1, effect: { kind: "error", code: "EIO" } });
  expect(await codeOf(member.writeSnapshot(authority(1), info, pieces(bytes)))).toBe("Unavailable");
  drive.heal();
  await drive.writeFile("journal/0000000000000003.snapshot.tmp", Buffer.alloc(10));
  const before = (await drive.list("journal")).map(({ name }) => name);
  expect(before).toContain("0000000000000002.snapshot");
  const later = open(drive);
  expect((await later.inspect()).remarks).toEqual([]);
  await later.promise(authority(2));
  const after = (await drive.list("journal")).map(({ name }) => name);
  expect(after.toSorted()).toEqual([...(await segmentsOf(drive)), "promise.json"]);
});

test.each([
  ["a bug", new TypeError("a bug"), TypeError],
  ["a lost drive", new DiskError("EIO", "gone"), JournalError],
])("%s is not dressed up as something else", async (_what, error, expected) => {
  const drive = new SimDrive({ seed: 1 });
  const member = open(drive, { checkPresent: () => Promise.reject(error) });
  await expect(member.inspect()).rejects.toThrow(expected);
});

function open(drive: SimDrive, options: Partial<LocalMemberOptions> = {}): JournalMember {
  return openLocalMember({
    disk: drive,
    driveId: DRIVE,
    segmentBytesMax: 2_000,
    checkPresent: async () => undefined,
    ...options,
  });
}

async function segmentsOf(drive: SimDrive): Promise<string[]> {
  const entries = await drive.list("journal");
  return entries
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".log"))
    .toSorted();
}

function headerOf(epoch: number) {
  return {
    clusterId: LAB_CLUSTER,
    driveId: DRIVE,
    authority: authority(epoch),
    base: CHAIN_START,
    follows: undefined,
  };
}

/** The header as a program with the next version would write it. */
function newer(header: Buffer): Buffer {
  header.writeUInt32LE(2, 12);
  header.writeUInt32LE(crc32c(header.subarray(4)), 0);
  return header;
}
