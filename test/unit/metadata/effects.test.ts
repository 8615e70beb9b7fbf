// What a group changed, as bytes and back: every kind of value, what is taken back, and bytes that make no sense.

import { expect, test } from "vitest";
import {
  EffectBuffer,
  EffectError,
  parseEffects,
  type Effect,
} from "../../../src/metadata/sqlite/effects.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const EFFECTS: readonly Effect[] = [
  { statementId: 1, values: [] },
  { statementId: 300, values: [null, 0, 1, -1, 127, 128, 2 ** 31, 2 ** 40, 0.5, -0, ""] },
  { statementId: 7, values: ["key/\u{1f600}/é", Buffer.from("bytes"), Buffer.alloc(0)] },
  { statementId: 8, values: { id: "ab", bytes: Buffer.alloc(3_000, 7), none: null } },
];

function bytesOf(effects: readonly Effect[]): Uint8Array {
  const buffer = new EffectBuffer();
  for (const effect of effects) buffer.add(effect);
  return Buffer.concat(buffer.pieces());
}

test("every kind of value comes back as it was", () => {
  expect([...parseEffects(bytesOf(EFFECTS))]).toEqual(EFFECTS);
});

test("rows that are alike shrink, and come back with their blobs", () => {
  const many = Array.from({ length: 200 }, (_, index) => ({
    statementId: 3,
    values: [`folder/object-${index}`, "a-long-owner-id-that-repeats", Buffer.from([index])],
  }));
  const bytes = bytesOf(many);
  expect(bytes.length).toBeLessThan(200 * 25);
  expect([...parseEffects(bytes)]).toEqual(many);
});

test("what a refused write left is taken back, blobs included", () => {
  const buffer = new EffectBuffer();
  expect(buffer.isEmpty).toBe(true);
  const [, numbers, blobs] = EFFECTS;
  if (numbers === undefined || blobs === undefined) throw new Error("there are effects");
  buffer.add(numbers);
  const { mark } = buffer;
  buffer.add(blobs);
  buffer.undo(mark);
  buffer.add(blobs);
  expect([...parseEffects(Buffer.concat(buffer.pieces()))]).toEqual([numbers, blobs]);
  buffer.clear();
  expect(buffer.isEmpty).toBe(true);
});

test("bytes that make no sense are an error, never a crash or a guess without end", () => {
  const random = seededRandom(7);
  const good = bytesOf(EFFECTS);
  for (let round = 0; round < 3_000; round += 1) {
    const bytes = Buffer.from(good);
    const at = random.below(bytes.length);
    bytes[at] = random.below(256);
    const cut = bytes.subarray(0, random.below(4) === 0 ? random.below(bytes.length) : undefined);
    expect(outcomeOf(cut)).toSatisfy(
      (outcome) => outcome instanceof EffectError || Number(outcome) < bytes.length,
    );
  }
});

/** How many effects there are, or the error. */
function outcomeOf(payload: Uint8Array): unknown {
  try {
    return [...parseEffects(payload)].length;
  } catch (error) {
    return error;
  }
}
