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
