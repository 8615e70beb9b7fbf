// Reads from the page cache, with the system's own, and with one that is told what it has.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CachedFile, loadPageCache, usePageCache } from "../../../src/disk/cached-read.ts";
import { readAheadBytes } from "../../../src/disk/read-ahead.ts";
import { TurnBudget } from "../../../src/util/turn-budget.ts";
import { createWasmMemory } from "../../../src/util/web-assembly.ts";
import { dropFromCache, hasCachedReads, pagesThere } from "../../support/page-cache.ts";

const AHEAD = 1024 ** 2;
const PAGE = 4_096;
const BUDGET = new TurnBudget(Infinity);
const hasThem = await hasCachedReads();

beforeAll(usePageCache);

describe.runIf(hasThem)("a file in the page cache", () => {
  test("fills exactly the target, anywhere in it", () => {
    const { descriptor } = givenFile(Buffer.from("0123456789"));
    const memory = createWasmMemory(1);
    const target = new Uint8Array(memory.buffer, 100, 4);
    const file = new CachedFile(10, AHEAD, BUDGET);
    expect(file.read(descriptor, target, 3)).toBe(4);
    const around = Buffer.from(memory.buffer, 98, 8).toString("latin1");
    expect(around).toBe("\0\x003456\0\0");
    expect(file.read(descriptor, target, 6)).toBe(4);
    // Beyond what it had when it was opened, and of nothing.
    expect(file.read(descriptor, target, 7)).toBe(undefined);
    expect(file.read(descriptor, target, 6 * 1024 ** 3)).toBe(undefined);
    expect(file.read(descriptor, new Uint8Array(0), 3)).toBe(undefined);
  });

  test.each([
    { absent: "what is read", at: 2 * AHEAD - PAGE },
    { absent: "what would be read ahead", at: AHEAD - PAGE },
  ])("is left alone where $absent is absent: nothing begins to be read", ({ at }) => {
    const sizeBytes = 2 * AHEAD;
    const { descriptor } = givenFile(Buffer.alloc(sizeBytes, "x"));
    const target = Buffer.alloc(PAGE);
    expect(new CachedFile(sizeBytes, AHEAD, BUDGET).read(descriptor, target, at)).toBe(PAGE);
    dropFromCache(descriptor, AHEAD, AHEAD);
    const before = pagesThere(descriptor, sizeBytes);
    expect(before).toBe(AHEAD / PAGE);
    expect(new CachedFile(sizeBytes, AHEAD, BUDGET).read(descriptor, target, at)).toBe(undefined);
    expect(pagesThere(descriptor, sizeBytes)).toBe(before);
  });

  test("is left to the pool where it would cost more to look than a thread does", () => {
    const { descriptor } = givenFile(Buffer.from("0123456789"));
    const large = 25 * AHEAD;
    const read = (sizeBytes: number, aheadBytes: number): number | undefined =>
      new CachedFile(sizeBytes, aheadBytes, BUDGET).read(descriptor, Buffer.alloc(2), 0);
    expect(read(10, 8 * AHEAD)).toBe(2);
    expect(read(large, 3 * AHEAD)).toBe(undefined);
  });

  test("is on a device whose read-ahead is known, or is not read this way", async () => {
    const { dev } = fs.statSync(tmpdir());
    const known = await readAheadBytes(dev);
    expect(known === undefined || known % 1_024 === 0).toBe(true);
    expect(await readAheadBytes(2 ** 31)).toBe(undefined);
  });
});

test("without the library there is no page cache to ask", async () => {
  expect(await loadPageCache(() => Promise.reject(new Error("not installed")))).toBe(undefined);
});

function givenFile(bytes: Buffer): { descriptor: number } {
  const root = fs.mkdtempSync(join(tmpdir(), "kintsugi-cached-"));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  const path = join(root, "a");
  const descriptor = fs.openSync(path, "w+");
  onTestFinished(() => fs.closeSync(descriptor));
  // In pieces: what was written at once leaves the cache at once.
  for (let at = 0; at < bytes.length; at += PAGE) {
    fs.writeSync(descriptor, bytes.subarray(at, at + PAGE), 0, undefined, at);
  }
  return { descriptor };
}
