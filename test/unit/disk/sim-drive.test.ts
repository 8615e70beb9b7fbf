// The faults of the simulated drive: what a power cut takes, and what injected errors do.

import { expect, test } from "vitest";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { diskErrorOf, givenFile, readText } from "../../contract/disk.ts";

const text = (value: string) => Buffer.from(value, "utf8");

test("a power cut takes bytes that were not synced, and keeps those that were", async () => {
  const drive = new SimDrive({ seed: 1 });
  const file = await drive.create("a");
  await file.append([text("durable")]);
  await file.sync();
  await file.append([text(" not yet")]);
  await drive.syncDirectory("");
  drive.crash();
  expect(await readText(drive, "a", 0, 100)).toBe("durable");
});

test("a power cut takes names that were not synced, whatever was synced in the file", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "a", ["synced bytes"]);
  drive.crash();
  expect(await diskErrorOf(drive.open("a"))).toBe("ENOENT");
});

test("a power cut undoes renames, removals and folders that were not synced", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "kept", ["1"]);
  await givenFile(drive, "renamed", ["2"]);
  await drive.syncDirectory("");
  await drive.unlink("kept");
  await drive.rename("renamed", "new-name");
  await drive.makeDirectory("folder/below");
  drive.crash();
  const names = (await drive.list("")).map(({ name }) => name);
  expect(names.toSorted()).toEqual(["kept", "renamed"]);
});

test("a folder is durable with its parent's sync, and its files with its own", async () => {
  const drive = new SimDrive({ seed: 1 });
  await drive.makeDirectory("folder");
  await givenFile(drive, "folder/a", ["x"]);
  await drive.syncDirectory("");
  drive.crash();
  expect(await drive.list("folder")).toEqual([]);
});

test("writeFile is durable when it resolves, old or new at any other time", async () => {
  for (let call = 0; call < 6; call += 1) {
    const drive = new SimDrive({ seed: call });
    await drive.writeFile("a", text("old"));
    drive.inject({ skip: call, times: 1, effect: { kind: "error", code: "EIO" } });
    const failed = await diskErrorOf(drive.writeFile("a", text("new")));
    drive.crash();
    drive.heal();
    const found = await readText(drive, "a", 0, 10);
    expect(failed === undefined ? ["new"] : ["old", "new"]).toContain(found);
  }
});

test("a torn power cut keeps a prefix, and the seed decides which", async () => {
  const whole = "0123456789".repeat(10);
  const lengths = new Set<number>();
  for (let seed = 0; seed < 10; seed += 1) {
    const torn = await tornBy(seed);
    expect(whole.startsWith(torn)).toBe(true);
    expect(await tornBy(seed)).toBe(torn);
    lengths.add(torn.length);
  }
  expect(lengths.size).toBeGreaterThan(3);
});

test("files that were open at a power cut are dead", async () => {
  const drive = new SimDrive({ seed: 1 });
  const written = await drive.create("a");
  await written.sync();
  await drive.syncDirectory("");
  const read = await drive.open("a");
  drive.crash();
  expect(await diskErrorOf(written.append([text("x")]))).toBe("OTHER");
  expect(await diskErrorOf(written.sync())).toBe("OTHER");
  expect(await diskErrorOf(read.read(Buffer.alloc(1), 0))).toBe("OTHER");
});

test("a file is unusable after a failed sync: a second one is refused", async () => {
  const drive = new SimDrive({ seed: 1 });
  const file = await drive.create("a");
  await file.append([text("x")]);
  drive.inject({ calls: ["sync"], times: 1, effect: { kind: "error", code: "EIO" } });
  expect(await diskErrorOf(file.sync())).toBe("EIO");
  expect(await diskErrorOf(file.sync())).toBe("OTHER");
  expect(await diskErrorOf(file.append([text("y")]))).toBe("OTHER");
});

test("F43 a full drive refuses bytes with ENOSPC, and has room again after an unlink", async () => {
  const drive = new SimDrive({ seed: 1, capacityBytes: 10 });
  await givenFile(drive, "a", ["12345678"]);
  const file = await drive.create("b");
  expect(await diskErrorOf(file.append([text("abc")]))).toBe("ENOSPC");
  expect(await drive.space()).toMatchObject({ freeBytes: 0, totalBytes: 10 });
  await drive.unlink("a");
  await givenFile(drive, "c", ["1234"]);
  expect((await drive.space()).freeBytes).toBe(4);
});

test("a fault hits the calls and paths that it names, after those it skips, so often", async () => {
  const drive = new SimDrive({ seed: 1 });
  await drive.makeDirectory("x");
  const end = drive.inject({
    calls: ["create"],
    pathPrefix: "x/",
    skip: 1,
    times: 2,
    effect: { kind: "error", code: "EROFS" },
  });
  const outcomes = [];
  for (const path of ["x/1", "a", "x/2", "b", "x/3", "x/4"]) {
    outcomes.push(await diskErrorOf(drive.create(path)));
  }
  expect(outcomes).toEqual([undefined, undefined, "EROFS", undefined, "EROFS", undefined]);
  end();
});

test("F46 a hung call ends with the deadline, a slow one when it is done", async () => {
  const waits: number[] = [];
  const wait = async (ms: number): Promise<void> => void waits.push(ms);
  const drive = new SimDrive({ seed: 1, deadlineMs: 500, wait });
  await givenFile(drive, "a", ["x"]);
  const endHang = drive.inject({ calls: ["open"], effect: { kind: "hang" } });
  expect(await diskErrorOf(drive.open("a"))).toBe("TIMEOUT");
  endHang();
  drive.inject({ calls: ["open"], times: 1, effect: { kind: "slow", delayMs: 80 } });
  drive.inject({ calls: ["list"], effect: { kind: "slow", delayMs: 800 } });
  expect(await diskErrorOf(drive.open("a"))).toBeUndefined();
  expect(await diskErrorOf(drive.list(""))).toBe("TIMEOUT");
  expect(waits).toEqual([500, 80, 500]);
});

test("an offline drive answers EIO, and is as it was when it is back", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "a", ["x"]);
  drive.setOffline(true);
  expect(await diskErrorOf(drive.open("a"))).toBe("EIO");
  expect(await diskErrorOf(drive.space())).toBe("EIO");
  drive.setOffline(false);
  expect(await readText(drive, "a", 0, 1)).toBe("x");
});

test("rot flips, cuts and lengthens files durably", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "a", ["abc"]);
  await drive.syncDirectory("");
  drive.corrupt("a", { kind: "flip", offset: 1, bit: 5 });
  drive.crash();
  expect(await readText(drive, "a", 0, 9)).toBe("aBc");
  drive.corrupt("a", { kind: "truncate", sizeBytes: 2 });
  expect(await readText(drive, "a", 0, 9)).toBe("aB");
  drive.corrupt("a", { kind: "extend", bytes: text("++") });
  expect(await readText(drive, "a", 0, 9)).toBe("aB++");
  expect(() => drive.corrupt("b", { kind: "flip", offset: 0 })).toThrow("no such file");
});

/** What a torn power cut leaves of a file of which only the empty beginning was synced. */
async function tornBy(seed: number): Promise<string> {
  const drive = new SimDrive({ seed });
  await givenFile(drive, "a", ["durable|"]);
  await drive.syncDirectory("");
  const file = await drive.create("b");
  await file.sync();
  await drive.syncDirectory("");
  await file.append([text("0123456789".repeat(10))]);
  drive.crash("torn");
  expect(await readText(drive, "a", 0, 100)).toBe("durable|");
  return readText(drive, "b", 0, 200);
}

test("F21 a torn power cut keeps or undoes each name by itself, so that renames come in any order", async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 100; seed += 1) {
    const drive = new SimDrive({ seed });
    for (const name of ["a.old", "b.old"]) {
      const file = await drive.create(name);
      await file.sync();
    }
    await drive.syncDirectory("");
    await drive.rename("a.old", "a.new");
    await drive.rename("b.old", "b.new");
    drive.crash("torn");
    seen.add(namesIn(await drive.list("")));
  }
  // The second rename without the first, the first without the second, and halves of a rename.
  for (const names of ["a.new b.old", "a.old b.new", "a.new a.old b.new b.old", ""]) {
    expect([...seen]).toContain(names);
  }
});

test("F20 a scattered power cut keeps any of the sectors that were not synced, and all that were", async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const drive = new SimDrive({ seed });
    const file = await drive.create("a");
    await file.append([Buffer.alloc(512, "s")]);
    await file.sync();
    await drive.syncDirectory("");
    await file.append([Buffer.alloc(2_048, "x")]);
    drive.crash("scattered");
    const found = await readText(drive, "a", 0, 4_096);
    expect(found.slice(0, 512)).toBe("s".repeat(512));
    expect(found.slice(512)).toMatch(/^[x\0]*$/);
    outcomes.add(found.replaceAll(/(.)\1*/gs, "$1"));
  }
  // A hole before what is there, which no torn end looks like.
  expect([...outcomes].some((outcome) => outcome.includes("\0x"))).toBe(true);
});

test("a short append stores a part of its bytes and fails; the file is unusable then", async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 10; seed += 1) {
    const drive = new SimDrive({ seed });
    const file = await drive.create("a");
    drive.inject({ times: 1, effect: { kind: "short", code: "EIO" } });
    expect(await diskErrorOf(file.append([text("01234"), text("56789")]))).toBe("EIO");
    expect(await diskErrorOf(file.append([text("x")]))).toBe("OTHER");
    const found = await readText(drive, "a", 0, 99);
    expect("0123456789".startsWith(found)).toBe(true);
    lengths.add(found.length);
  }
  expect(lengths.size).toBeGreaterThan(3);
});

test("F22 a torn append is answered as done, and has zeros from some byte on", async () => {
  const drive = new SimDrive({ seed: 3 });
  const whole = "0123456789".repeat(5);
  const file = await drive.create("a");
  drive.inject({ times: 1, effect: { kind: "torn" } });
  await file.append([text(whole)]);
  await file.append([text("after")]);
  const found = await readText(drive, "a", 0, 99);
  expect(found).toHaveLength(whole.length + 5);
  const kept = found.indexOf("\0");
  expect(kept).toBeGreaterThanOrEqual(0);
  expect(found).toBe(`${whole.slice(0, kept)}${"\0".repeat(whole.length - kept)}after`);
});

test("F33 a misdirected append is answered as done: its bytes lie in another file, and here is what lay there before", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "other", ["-".repeat(100)]);
  await givenFile(drive, "removed", ["an older file, longer than that"]);
  await drive.unlink("removed");
  const file = await drive.create("a");
  drive.inject({ times: 1, effect: { kind: "misdirected" } });
  await file.append([text("0123456789")]);
  expect(await readText(drive, "a", 0, 99)).toBe("an older f");
  expect(await readText(drive, "other", 0, 200)).toMatch(/^-+0\d*-*$/);
});

test("a flip changes one bit of what an append stores, or of what a read gives and nothing else", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "a", ["good bytes"]);
  const endFlip = drive.inject({ calls: ["read"], effect: { kind: "flip" } });
  expect(bitsBetween(await readText(drive, "a", 0, 99), "good bytes")).toBe(1);
  endFlip();
  expect(await readText(drive, "a", 0, 99)).toBe("good bytes");
  drive.inject({ calls: ["append"], effect: { kind: "flip" } });
  await givenFile(drive, "b", ["good bytes"]);
  expect(bitsBetween(await readText(drive, "b", 0, 99), "good bytes")).toBe(1);
});

test("F52 a lying sync is answered as done, and a power cut takes what it was to keep", async () => {
  const drive = new SimDrive({ seed: 1 });
  const endLie = drive.inject({ calls: ["sync"], effect: { kind: "lie" } });
  await givenFile(drive, "a", ["bytes"]);
  await drive.syncDirectory("");
  endLie();
  drive.inject({ calls: ["syncDirectory"], effect: { kind: "lie" } });
  await givenFile(drive, "b", ["bytes"]);
  await drive.syncDirectory("");
  drive.crash();
  expect(namesIn(await drive.list(""))).toBe("a");
  expect(await readText(drive, "a", 0, 9)).toBe("");
});

test("a stale read gives what lay there before, and zeros where nothing did", async () => {
  const drive = new SimDrive({ seed: 1 });
  await givenFile(drive, "removed", ["older"]);
  await drive.unlink("removed");
  await givenFile(drive, "a", ["new bytes"]);
  drive.inject({ times: 1, effect: { kind: "stale" } });
  expect(await readText(drive, "a", 2, 99)).toBe("der\0\0\0\0");
  expect(await readText(drive, "a", 2, 99)).toBe("w bytes");
});

test("a fault that says nothing of calls hits those that it is about, and they are counted", async () => {
  const drive = new SimDrive({ seed: 1 });
  drive.inject({ times: 1, effect: { kind: "torn" } });
  await drive.makeDirectory("folder");
  expect(drive.hitCount).toBe(0);
  await givenFile(drive, "folder/a", ["bytes"]);
  expect(drive.hitCount).toBe(1);
});

function namesIn(entries: readonly { readonly name: string }[]): string {
  return entries
    .map(({ name }) => name)
    .toSorted()
    .join(" ");
}

function bitsBetween(left: string, right: string): number {
  const [a, b] = [Buffer.from(left, "latin1"), Buffer.from(right, "latin1")];
  return [...a].reduce((sum, byte, at) => sum + bitCount(byte ^ (b[at] ?? 0)), 0);
}

function bitCount(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}
