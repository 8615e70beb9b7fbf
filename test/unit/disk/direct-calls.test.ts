// What is done on the calling thread, and that it does not keep others from theirs.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { loadCachedRead, readCached } from "../../../src/disk/cached-read.ts";
import type { Disk } from "../../../src/disk/disk.ts";
import { openRealDisk } from "../../../src/disk/real-disk.ts";
import { createWasmMemory } from "../../../src/util/web-assembly.ts";
import { diskErrorOf, givenFile } from "../../contract/disk.ts";
import { IN_MEMORY_FOLDER, isInMemory } from "../../support/in-memory.ts";
import { makePipe } from "../../support/make-pipe.ts";

const POOL_SIZE = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);
const isLinux = process.platform === "linux";

beforeAll(loadCachedRead);

const places = [
  { what: "on a disk, out of the page cache", parent: tmpdir(), is: isLinux },
  { what: "in memory", parent: IN_MEMORY_FOLDER ?? "", is: IN_MEMORY_FOLDER !== undefined },
];

describe.each(places.filter(({ is }) => is))("$what", ({ parent }) => {
  test("a read needs no thread: it is answered while the whole pool hangs", async () => {
    const { root, disk } = givenDisk(parent);
    await givenFile(disk, "a", ["hello world"]);
    const file = await disk.open("a");
    const release = hangPool(root);
    const target = Buffer.alloc(5);
    const count = await file.read(target, 6).finally(release);
    expect([count, target.toString()]).toEqual([5, "world"]);
    await file.close();
  });

  test("a loop of reads that are all there lets others have their turns", async () => {
    const { disk } = givenDisk(parent);
    await givenFile(disk, "a", ["x".repeat(65_536)]);
    const file = await disk.open("a");
    const target = Buffer.alloc(65_536);
    let turnCount = 0;
    const turns = setInterval(() => (turnCount += 1), 0);
    onTestFinished(() => clearInterval(turns));
    for (let count = 0; count < 3_000; count += 1) await file.read(target, 0);
    expect(turnCount).toBeGreaterThan(5);
    await file.close();
  });
});

test.skipIf(IN_MEMORY_FOLDER === undefined)(
  "in memory a write needs no thread, and a large one gets one",
  async () => {
    const { root, disk } = givenDisk(IN_MEMORY_FOLDER ?? "");
    const file = await disk.create("a", { syncsEach: true });
    const release = hangPool(root);
    await file.append([Buffer.from("small, "), Buffer.from("durable")]).finally(release);
    await file.sync();
    await file.append([Buffer.alloc(1_000_000, "x")]);
    await file.close();
    const written = Buffer.from(await disk.readFile("a"));
    expect(written.toString()).toBe(`small, durable${"x".repeat(1_000_000)}`);
  },
);

test.skipIf(IN_MEMORY_FOLDER === undefined)(
  "what is wrong with a direct call is told as what is wrong with one of the pool",
  async () => {
    const { disk } = givenDisk(IN_MEMORY_FOLDER ?? "");
    await givenFile(disk, "a", ["x"]);
    const file = await disk.open("a");
    // Beyond what an offset may be: nothing reaches the kernel.
    expect(await diskErrorOf(file.read(Buffer.alloc(1), 2 ** 60))).toBe("OTHER");
    expect(await file.read(Buffer.alloc(1), 0)).toBe(1);
    await file.close();
  },
);

describe.runIf(isLinux && !isInMemory(tmpdir()))("reads that do not wait", () => {
  test("fill exactly their target, and end where the file does", () => {
    const descriptor = givenOpenFile("0123456789");
    const memory = createWasmMemory(1);
    const target = new Uint8Array(memory.buffer, 100, 4);
    expect(readCached(descriptor, target, 3)).toBe(4);
    const around = Buffer.from(memory.buffer, 98, 8).toString("latin1");
    expect(around).toBe("\0\x003456\0\0");
    expect(readCached(descriptor, target, 8)).toBe(2);
    expect(readCached(descriptor, target, 10)).toBe(0);
    expect(readCached(descriptor, target, 6 * 1024 ** 3)).toBe(0);
  });

  test("say so when the page cache does not have the bytes, and the disk reads them all the same", async () => {
    const { root, disk } = givenDisk(tmpdir());
    await givenFile(disk, "a", ["from the device"]);
    const descriptor = fs.openSync(join(root, "a"), "r+");
    onTestFinished(() => fs.closeSync(descriptor));
    const target = Buffer.alloc(15);
    dropFromCache(descriptor);
    expect(readCached(descriptor, target, 0)).toBe("absent");

    const file = await disk.open("a");
    dropFromCache(descriptor);
    expect(await file.read(target, 0)).toBe(15);
    expect(target.toString()).toBe("from the device");
    await file.close();
  });

  test("a file system without them is told from bytes that are absent", () => {
    const pipe = givenPipe(givenFolder(tmpdir()));
    const descriptor = fs.openSync(pipe, "r+");
    onTestFinished(() => fs.closeSync(descriptor));
    // A pipe has no positions: ESPIPE, an answer like any other error of the call.
    expect(readCached(descriptor, Buffer.alloc(1), 0)).toBe("absent");
    const memory = fs.openSync("/proc/self/status", "r");
    onTestFinished(() => fs.closeSync(memory));
    expect(readCached(memory, Buffer.alloc(1), 0)).toBe("unsupported");
  });
});

function givenFolder(parent: string): string {
  const root = fs.mkdtempSync(join(parent, "kintsugi-direct-"));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

function givenDisk(parent: string): { root: string; disk: Disk } {
  const root = givenFolder(parent);
  return { root, disk: openRealDisk({ root, deadlineMs: 5_000, maxInFlight: 2 }) };
}

function givenOpenFile(text: string): number {
  const path = join(givenFolder(tmpdir()), "a");
  fs.writeFileSync(path, text);
  const descriptor = fs.openSync(path, "r");
  onTestFinished(() => fs.closeSync(descriptor));
  return descriptor;
}

function givenPipe(root: string): string {
  const pipe = join(root, "pipe");
  makePipe(pipe);
  return pipe;
}

/** Every thread of the pool opens a pipe that nobody writes to, until what is returned is called. */
function hangPool(root: string): () => void {
  const pipe = givenPipe(root);
  for (let count = 0; count < POOL_SIZE; count += 1) {
    fs.open(pipe, "r", (_error, descriptor) => fs.closeSync(descriptor));
  }
  return () => {
    const writer = fs.openSync(pipe, "r+");
    setTimeout(() => fs.closeSync(writer), 100);
  };
}

const POSIX_FADV_DONTNEED = 4;

function dropFromCache(descriptor: number): void {
  fs.fsyncSync(descriptor);
  const advise = koffi.load(null).func("int posix_fadvise(int, int64, int64, int)");
  expect(advise(descriptor, 0, 0, POSIX_FADV_DONTNEED)).toBe(0);
}
