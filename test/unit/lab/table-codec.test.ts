// The laboratory's own codec gives the bytes of the product's, for every geometry and every loss that parity makes good.

import { expect, test } from "vitest";
import { createReedSolomonCodec } from "../../../src/erasure/rs-codec.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import { tableCodec } from "../../lab/model/table-codec.ts";

const library = createReedSolomonCodec();
const tables = tableCodec(library);

test.each([
  [2, 1],
  [2, 2],
  [4, 2],
])("%i+%i: parity and what is restored are the library's", (dataShards, parityShards) => {
  const random = seededRandom(dataShards);
  const count = dataShards + parityShards;
  for (const unitBytes of [1, 5, 512]) {
    const geometry = { dataShards, parityShards, unitBytes };
    const good = Buffer.from(Array.from({ length: count * unitBytes }, () => random.below(256)));
    const other = Buffer.from(good);
    library.encode(good, geometry);
    tables.encode(other, geometry);
    expect(other.equals(good)).toBe(true);
    for (let lost = 0; lost < 2 ** count; lost += 1) {
      const present = Array.from({ length: count }, (_, index) => ((lost >> index) & 1) === 0);
      if (present.filter(Boolean).length < dataShards) continue;
      const stripe = Buffer.from(good);
      for (const [index, isPresent] of present.entries()) {
        if (!isPresent) stripe.fill(0xee, index * unitBytes, (index + 1) * unitBytes);
      }
      tables.reconstruct(stripe, geometry, present);
      expect(stripe.equals(good)).toBe(true);
    }
  }
});
