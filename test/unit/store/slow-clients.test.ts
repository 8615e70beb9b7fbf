// Memory under clients that hang on: beyond a bound each has a stripe, beyond another one new ones are asked to come later.

import { once } from "node:events";
import { expect, test } from "vitest";
import { bodyOf, bytesOf, givenStore, type StoreLab } from "../../support/store-lab.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Begins uploads whose clients send a little and then nothing until `resume`. */
function beginUploads(lab: StoreLab, count: number) {
  const signal = new EventTarget();
  const resumed = once(signal, "resume");
  const bytes = bytesOf(20 * KIB, 1);
  async function* stalling() {
    yield bytes.subarray(0, 10);
    await resumed;
    yield bytes.subarray(10);
  }
  const puts = Array.from({ length: count }, (_, index) =>
    lab.store.putObject(lab.target(`key-${index}`), bodyOf(bytes, { chunks: stalling() })),
  );
  const resume = () => signal.dispatchEvent(new Event("resume"));
  return { bytes, done: Promise.allSettled(puts), resume };
}

test("uploads that stall take less and less, and in the end no new ones are taken; small objects are", async () => {
  const lab = await givenStore();
  const small = bytesOf(100, 2);
  const large = bytesOf(MIB, 3);
  await lab.put("large", large);
  const before = process.memoryUsage().arrayBuffers;
  const { bytes, done, resume } = beginUploads(lab, 1_500);
  await new Promise((resolve) => setImmediate(resolve));
  await lab.put("small", small);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(450 * MIB);
  expect((await lab.get("small")).equals(small)).toBe(true);
  await expect(lab.get("large")).rejects.toMatchObject({ code: "SlowDown" });

  resume();
  const outcomes = await done;
  const refused = outcomes.filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThan(100);
  expect(refused.length).toBeLessThan(1_000);
  for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: "SlowDown" } });
  // All is given back.
  expect((await lab.get("key-0")).equals(bytes)).toBe(true);
  expect((await lab.get("large")).equals(large)).toBe(true);
  expect(await lab.shardFiles()).toHaveLength((1 + outcomes.length - refused.length) * 6);
});
