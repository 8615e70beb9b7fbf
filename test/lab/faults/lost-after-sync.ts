// F52: drives that say that they have synced, and have not: what they lost when their power went is found by a
// verification, named, counted, and read from the others. What was there before they lied is whole.

import assert from "node:assert/strict";
import { reopenStore } from "../../support/reopen-store.ts";
import { bytesOf, collect, givenStore, setIdOf } from "../../support/store-lab.ts";
import { verify } from "../../support/verify-lab.ts";
import { until } from "../../support/until.ts";
import { someBelow, type Trial } from "./fault-trial.ts";

const MIB = 1024 * 1024;
const DRIVES = 6;
const LIMIT_MS = 10_000;
const NOTED_MAX = 1_000;

export async function loseAfterSync({ random, journal }: Trial): Promise<void> {
  const lab = await givenStore();
  const contents = new Map<string, Buffer>();
  const putMany = async (prefix: string, count: number) => {
    const objects = new Map<string, string>();
    for (let index = 0; index < count; index += 1) {
      const key = `${prefix}-${String(index).padStart(2, "0")}`;
      const bytes = bytesOf(MIB + 1 + random.below(2 * MIB), random.below(2 ** 31));
      objects.set(key, setIdOf(await lab.put(key, bytes)));
      contents.set(key, bytes);
    }
    return objects;
  };
  await putMany("before", 1 + random.below(3));
  const liars = someBelow(random, DRIVES, 1 + random.below(2));
  for (const position of liars) {
    lab.disks[position]?.inject({ calls: ["sync", "syncDirectory"], effect: { kind: "lie" } });
  }
  const after = await putMany("later", 1 + random.below(4));
  assert.deepEqual(
    (await verify(lab.store)).findings,
    [],
    "nothing is lost as long as there is power",
  );
  for (const position of liars) {
    lab.disks[position]?.heal();
    lab.disks[position]?.crash("lost");
  }
  // What a drive held open went with its power, and with it the process.
  const store = await reopenStore(lab);
  const { report, findings } = await verify(store);
  assert.deepEqual(
    findings
      .map(({ kind, key = "", setId, shards }) => ({ kind, key, setId, lost: shards.length }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    [...after].map(([key, setId]) => ({
      kind: "below-redundancy",
      key,
      setId,
      lost: liars.length,
    })),
  );
  assert.equal(report.belowRedundancy, after.size);
  // Noted beside the verification, which does not wait for it.
  await until(LIMIT_MS, "all of these are noted", async () => {
    const noted = await lab.metadata.listDegradedSets(undefined, NOTED_MAX);
    const lost = new Set<string>(after.values());
    assert.ok(
      noted.every(({ id }) => lost.has(id)),
      "a set is noted that has lost nothing",
    );
    return noted.length === lost.size;
  });
  for (const [key, bytes] of contents) {
    const reading = await store.openObject(lab.bucket, key);
    assert.ok(reading !== undefined, key);
    assert.ok(
      (await collect(reading.read(0, bytes.length))).equals(bytes),
      `${key}, drives ${liars.join()} lied`,
    );
    journal.count("read beside drives that lied");
  }
  journal.note("lost shards that a verification named", after.size * liars.length);
}
