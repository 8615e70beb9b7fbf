// F32: a bit that memory turned before the checksum was made, in the data or in the parity: no checksum of a block can
// tell, so that a verification must, by comparing the data with its ETag and the parity with the data.

import assert from "node:assert/strict";
import type { ErasureCodec } from "../../../src/erasure/erasure-codec.ts";
import type { VerifyFinding } from "../../../src/store/verify-report.ts";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import { bytesOf, givenStore } from "../../support/store-lab.ts";
import { verify } from "../../support/verify-lab.ts";
import type { Trial } from "./fault-trial.ts";

const UNIT_BYTES = 64 * 1024;
const DATA_SHARDS = 4;
const PARITY_SHARDS = 2;
const STRIPE_BYTES = DATA_SHARDS * UNIT_BYTES;
const STRIPES_MAX = 20;

type Flip = "data" | "none" | "parity";

/** What is turned in the next object, and in which of its full stripes. */
interface Plan {
  flip: Flip;
  stripe: number;
  /** The shard that was hit. */
  shard: number;
}

export async function turnBitsBeforeChecksums({ random, journal }: Trial): Promise<void> {
  const plan: Plan = { flip: "none", stripe: 0, shard: 0 };
  const lab = await givenStore({ wrapCodec: (codec) => faultyCodec(codec, plan, random) });
  const expected: unknown[] = [];
  for (let index = 0; index < 3 + random.below(5); index += 1) {
    const key = `key-${index}`;
    const stripes = 5 + random.below(STRIPES_MAX);
    const flip = (["data", "parity", "none"] as const)[random.below(3)] ?? "none";
    Object.assign(plan, { flip, stripe: random.below(stripes) });
    const sizeBytes = stripes * STRIPE_BYTES + random.below(STRIPE_BYTES);
    await lab.put(key, bytesOf(sizeBytes, random.below(2 ** 31)));
    assert.ok(flip === "none" || plan.flip === "none", "a bit was turned");
    journal.note(`bits turned before their checksum: ${flip}`);
    if (flip === "data") expected.push({ kind: "damaged-bytes", key, shards: [] });
    if (flip === "parity") {
      expected.push({ kind: "below-redundancy", key, shards: [[plan.shard, "wrong"]] });
    }
  }
  const { findings } = await verify(lab.store);
  // In the order of the sets, which is any.
  const found = findings.map(inShort).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  assert.deepEqual(found, expected);
}

function inShort({ kind, key = "", shards }: VerifyFinding) {
  return { kind, key, shards: shards.map(({ index, state }) => [index, state]) };
}

/** Turns one bit of the planned stripe, and then plans nothing more. */
function faultyCodec(codec: ErasureCodec, plan: Plan, random: SeededRandom): ErasureCodec {
  const flipIn = (units: Uint8Array, first: number, count: number): void => {
    plan.shard = first + random.below(count);
    const at = plan.shard * UNIT_BYTES + random.below(UNIT_BYTES);
    units[at] = (units[at] ?? 0) ^ (1 << random.below(8));
    plan.flip = "none";
  };
  return {
    reconstruct: (units, geometry, present) => codec.reconstruct(units, geometry, present),
    encode: (units, geometry) => {
      const isIt =
        plan.flip !== "none" && geometry.unitBytes === UNIT_BYTES && (plan.stripe -= 1) < 0;
      if (isIt && plan.flip === "data") flipIn(units, 0, DATA_SHARDS);
      codec.encode(units, geometry);
      if (isIt && plan.flip === "parity") flipIn(units, DATA_SHARDS, PARITY_SHARDS);
    },
  };
}
