// Small pieces of a shard, read ahead: the same bytes as without, in fewer calls; what goes wrong is told as without, and a
// file that was replaced is read anew.

import { expect, test } from "vitest";
import type { SetId } from "../../../src/core/ids.ts";
import { ShardError } from "../../../src/datanode/shard-store.ts";
import { ReadAhead } from "../../../src/store/repair/read-ahead.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { bytesOf } from "../../support/store-lab.ts";

const KIB = 1024;
const NAME = { setId: "00".repeat(16) as SetId, index: 2 };

/** A drive with one shard, which may have a place that cannot be read. */
class OneShard {
  bytes: Buffer;
  badFrom = Number.POSITIVE_INFINITY;
  readCount = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  async size(): Promise<number> {
    return this.bytes.length;
  }

  async read(_name: object, offset: number, target: Uint8Array): Promise<void> {
    this.readCount += 1;
    const end = offset + target.length;
    if (end > Math.min(this.bytes.length, this.badFrom)) throw new ShardError("Corrupt", "bad");
    target.set(this.bytes.subarray(offset, end));
  }
}

async function piece(ahead: ReadAhead, offset: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(length);
  await ahead.read(offset, target);
  return target;
}

test("pieces one after another, with gaps and overlaps, are the bytes that stand there", async () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  const shard = new OneShard(bytesOf(3 * KIB * KIB, seed));
  const ahead = new ReadAhead(shard, NAME);
  let [at, count] = [0, 0];
  while (at < shard.bytes.length - 40 * KIB) {
    const length = 1 + random.below(40 * KIB);
    const found = await piece(ahead, at, length);
    expect(found.equals(shard.bytes.subarray(at, at + length)), `seed ${seed}, at ${at}`).toBe(
      true,
    );
    count += 1;
    // Mostly on, sometimes far, sometimes back.
    const chance = random.below(20);
    if (chance === 0) at += 200 * KIB;
    else if (chance === 1) at = Math.max(at - 10 * KIB, 0);
    else at += length + random.below(300);
  }
  expect(shard.readCount).toBeLessThan(count / 3);
});

test("the end of the file is read to its last byte, and not beyond", async () => {
  const shard = new OneShard(bytesOf(100_000, 1));
  const ahead = new ReadAhead(shard, NAME);
  await piece(ahead, 0, 1_000);
  expect(await piece(ahead, 1_000, 1_000)).toEqual(shard.bytes.subarray(1_000, 2_000));
  expect(await piece(ahead, 99_000, 1_000)).toEqual(shard.bytes.subarray(99_000));
  await expect(piece(ahead, 99_500, 1_000)).rejects.toThrow(ShardError);
});

test("a bad place costs only the pieces that it is in", async () => {
  const shard = new OneShard(bytesOf(100_000, 2));
  shard.badFrom = 50_000;
  const ahead = new ReadAhead(shard, NAME);
  for (let at = 0; at < 50_000; at += 10_000) {
    expect(await piece(ahead, at, 10_000)).toEqual(shard.bytes.subarray(at, at + 10_000));
  }
  await expect(piece(ahead, 50_000, 10_000)).rejects.toThrow("bad");
});

test("what has been replaced is read anew once that is known", async () => {
  const shard = new OneShard(bytesOf(100_000, 3));
  const ahead = new ReadAhead(shard, NAME);
  await piece(ahead, 0, 1_000);
  await piece(ahead, 1_000, 1_000);
  shard.bytes = bytesOf(90_000, 4);
  ahead.forget();
  expect(await piece(ahead, 2_000, 1_000)).toEqual(shard.bytes.subarray(2_000, 3_000));
});
