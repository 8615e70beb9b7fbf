// Is the codec the one that wrote the shards? Run at start, in well under a millisecond: a codec that is broken, or
// computes with another matrix, must not touch data.

import { assert } from "../util/assert.ts";
import type { ErasureCodec } from "./erasure-codec.ts";
import { shardCount, type Geometry } from "./geometry.ts";

const GEOMETRY: Geometry = { dataShards: 4, parityShards: 2, unitBytes: 5 };
// The parity of the data 0, 1, 2, ... 19. It is part of the on-disk format: it never changes.
const PARITY = "14a8f3720d11e7a60160";

/** @throws when the codec's parity is not that of the on-disk format, or it cannot restore what is lost. */
export function selfTestCodec(codec: ErasureCodec): void {
  const dataBytes = GEOMETRY.dataShards * GEOMETRY.unitBytes;
  const good = Buffer.alloc(shardCount(GEOMETRY) * GEOMETRY.unitBytes);
  for (let at = 0; at < dataBytes; at += 1) good[at] = at;
  codec.encode(good, GEOMETRY);
  assert(good.toString("hex", dataBytes) === PARITY, "the codec's parity is that of the format");
  for (let lost = 0; lost < shardCount(GEOMETRY); lost += 1) {
    const other = (lost + 1) % shardCount(GEOMETRY);
    const stripe = Buffer.from(good);
    for (const index of [lost, other]) {
      stripe.fill(0xff, index * GEOMETRY.unitBytes, (index + 1) * GEOMETRY.unitBytes);
    }
    const present = Array.from(
      { length: shardCount(GEOMETRY) },
      (_, i) => i !== lost && i !== other,
    );
    codec.reconstruct(stripe, GEOMETRY, present);
    assert(stripe.equals(good), "the codec restores what is lost");
  }
}
