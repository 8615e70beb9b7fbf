// Turns the gathered blocks of a window into the bytes that were asked for: views of the read buffers where all data is
// there, decoded stripes where not. A decoded stripe is encoded again and compared with the parity that was read, so
// that a fault of the codec ends the request instead of reaching a client. What the client has no need of is given back
// at once: it may be a slow one.

import { S3Error } from "../core/s3-error.ts";
import { BLOCK_CHECKSUM_BYTES } from "../datanode/shard-format.ts";
import { shardCount } from "../erasure/geometry.ts";
import { sliceStripe, stripeAt, unitOf, type Stripe } from "../erasure/stripe.ts";
import type { ByteWindow } from "./byte-window.ts";
import type { ShardBlocks } from "./shard-blocks.ts";
import type { GatheredBlocks, WindowPlan } from "./window-gather.ts";

/** The window takes over the blocks. @throws S3Error InternalError when decoding is not plausible. */
export function deliverWindow(plan: WindowPlan, gathered: GatheredBlocks): ByteWindow {
  const { set, context } = plan.reading;
  const decoded: Uint8Array[] = [];
  const free = (held: Iterable<ShardBlocks>): void => {
    for (const blocks of held) blocks.release();
    for (const buffer of decoded) context.pools.release(buffer);
  };
  const chunks: Uint8Array[] = [];
  const shown = new Set<number>();
  try {
    for (let index = plan.stripes.first; index < plan.stripes.end; index += 1) {
      const stripe = stripeAt(set, set.sizeBytes, index);
      const views = viewsOf(plan, gathered, stripe, shown);
      if (views === undefined) {
        const { buffer, chunk } = trimmed(plan, stripe, decodeStripe(plan, gathered, stripe));
        decoded.push(buffer);
        chunks.push(chunk);
      } else {
        chunks.push(...views);
      }
    }
  } catch (error) {
    free(gathered.values());
    throw error;
  }
  const held: ShardBlocks[] = [];
  for (const [index, blocks] of gathered) {
    if (shown.has(index)) held.push(blocks);
    else blocks.release();
  }
  return { chunks, release: () => free(held) };
}

/** The range's bytes of a decoded stripe, and the buffer that they are in: one that fits, where they are few. */
function trimmed(
  { range, reading }: WindowPlan,
  stripe: Stripe,
  buffer: Uint8Array,
): { readonly buffer: Uint8Array; readonly chunk: Uint8Array } {
  const { set, context } = reading;
  const start = Math.max(range.start - stripe.offset, 0);
  const end = Math.min(range.end - stripe.offset, stripe.dataBytes);
  const chunk = buffer.subarray(start, end);
  if (chunk.length > set.unitBytes) return { buffer, chunk };
  // As large as a block, of which there is a pool already.
  const smaller = context.pools.acquire(set.unitBytes + BLOCK_CHECKSUM_BYTES);
  smaller.set(chunk);
  context.pools.release(buffer);
  return { buffer: smaller, chunk: smaller.subarray(0, chunk.length) };
}

/** The range's pieces of a stripe, when every unit that it needs was read; notes down of which shards they are. */
function viewsOf(
  { range }: WindowPlan,
  gathered: GatheredBlocks,
  stripe: Stripe,
  shown: Set<number>,
): readonly Uint8Array[] | undefined {
  const views: Uint8Array[] = [];
  const only = { first: stripe.index, end: stripe.index + 1 };
  for (const { shard, start, end } of sliceStripe(stripe, range)) {
    const blocks = gathered.get(shard);
    if (blocks === undefined || !blocks.covers(only)) return undefined;
    shown.add(shard);
    views.push(blocks.unit(stripe.index).subarray(start, end));
  }
  return views;
}

/** A pooled buffer that begins with the stripe's data. */
function decodeStripe(
  { reading }: WindowPlan,
  gathered: GatheredBlocks,
  stripe: Stripe,
): Uint8Array {
  const { context, set } = reading;
  const count = shardCount(set);
  const buffer = context.pools.acquire(count * set.unitBytes);
  try {
    const units = buffer.subarray(0, count * stripe.unitBytes);
    const geometry = { ...set, unitBytes: stripe.unitBytes };
    const present = Array.from({ length: count }, () => false);
    const only = { first: stripe.index, end: stripe.index + 1 };
    for (const [index, blocks] of gathered) {
      if (!blocks.covers(only)) continue;
      unitOf(units, stripe, index).set(blocks.unit(stripe.index));
      present[index] = true;
    }
    context.codec.reconstruct(units, geometry, present);
    context.codec.encode(units, geometry);
    for (const [index, blocks] of gathered) {
      if (present[index] !== true || index < set.dataShards) continue;
      if (Buffer.compare(unitOf(units, stripe, index), blocks.unit(stripe.index)) === 0) continue;
      throw new S3Error("InternalError", {
        cause: new Error(`stripe ${stripe.index} of ${set.id} does not decode to what was encoded`),
      });
    }
    return buffer;
  } catch (error) {
    context.pools.release(buffer);
    throw error;
  }
}
