// Buffers come back, are used again, and nobody gives one back twice.

import { expect, test } from "vitest";
import { BufferPool } from "../../../src/util/buffer-pool.ts";

test("a released buffer is used again", () => {
  const pool = new BufferPool({ sizeBytes: 1024, idleMax: 2 });
  const first = pool.acquire();
  expect(first.length).toBe(1024);
  expect(pool.acquire()).not.toBe(first);
  pool.release(first);
  expect(pool.acquire()).toBe(first);
});

test("no more than the bound stay idle", () => {
  const pool = new BufferPool({ sizeBytes: 8, idleMax: 2 });
  const buffers = [pool.acquire(), pool.acquire(), pool.acquire()];
  for (const buffer of buffers) pool.release(buffer);
  expect(pool.idleCount).toBe(2);
});

test("a second release, a view and a foreign buffer are bugs", () => {
  const pool = new BufferPool({ sizeBytes: 8, idleMax: 2 });
  const buffer = pool.acquire();
  expect(() => pool.release(buffer.subarray(0))).toThrow("released once");
  pool.release(buffer);
  expect(() => pool.release(buffer)).toThrow("released once");
  expect(() => pool.release(new Uint8Array(8))).toThrow("released once");
});

test("better buffers are used first and always kept, others give way to them", () => {
  const better = [new Uint8Array(8), new Uint8Array(8)];
  const kept = { allocate: () => better.shift() };
  const pool = new BufferPool({ sizeBytes: 8, idleMax: 2, kept });
  const [first, second, third] = [pool.acquire(), pool.acquire(), pool.acquire()];
  for (const buffer of [third, first, second]) pool.release(buffer);
  expect(pool.idleCount).toBe(2);
  expect(() => pool.release(first)).toThrow("released once");
  const again = new Set([pool.acquire(), pool.acquire()]);
  expect(again).toEqual(new Set([first, second]));
  expect(again.has(pool.acquire())).toBe(false);
});

test("what is not kept is discarded, and nothing else", () => {
  const discarded: Uint8Array[] = [];
  const pool = new BufferPool({
    sizeBytes: 8,
    idleMax: 1,
    discard: (buffer) => discarded.push(buffer),
  });
  const buffers = [pool.acquire(), pool.acquire()];
  for (const buffer of buffers) pool.release(buffer);
  expect(discarded).toEqual([buffers[1]]);
  expect(pool.acquire()).toBe(buffers[0]);
});
