// What `verify` tells the metadata of shards: that they are lost. That they are whole is for repair to say.

import { expect, test } from "vitest";
import type { SetId } from "../../src/core/ids.ts";
import { AT_ONCE } from "../../src/store/repair/pace.ts";
import { bytesOf, givenStore, setIdOf, type StoreLab } from "../support/store-lab.ts";
import { breakShard, verify } from "../support/verify-lab.ts";

const MIB = 1024 * 1024;
const FLIP = { kind: "flip", offset: 3_000 } as const;

async function notesIn({ metadata }: StoreLab): Promise<readonly (readonly [SetId, unknown])[]> {
  const sets = await metadata.listDegradedSets(undefined, 10);
  return sets.map(({ id, missing }) => [id, missing] as const);
}

test("when it reports, the metadata has been told, however long that takes", async () => {
  const noted: string[] = [];
  const noteLate = async (setId: SetId): Promise<void> => {
    for (let turn = 0; turn < 1_000; turn += 1) await new Promise(setImmediate);
    noted.push(setId);
  };
  const lab = await givenStore({
    wrapMetadata: (metadata) =>
      new Proxy(metadata, {
        get: (target, name) => {
          const member: unknown = name === "noteMissing" ? noteLate : Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  const object = await lab.put("photo", bytesOf(2 * MIB, 1));
  await breakShard(lab, object, 1, () => ({ kind: "truncate", sizeBytes: 0 }));
  await verify(lab.store);
  expect(noted).toEqual([setIdOf(object)]);
});

test("notes of shards that read as whole again stay: repair makes them anew, and then they survive a power cut", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(2 * MIB, 1);
  const object = await lab.put("photo", bytes);
  const setId = setIdOf(object);
  for (const index of [1, 5]) await breakShard(lab, object, index, () => FLIP);
  await verify(lab.store);
  expect(await notesIn(lab)).toEqual([[setId, [1, 5]]]);
  // What reads as whole here may be in the kernel's memory alone.
  for (const index of [1, 5]) await breakShard(lab, object, index, () => FLIP);
  expect((await verify(lab.store)).findings).toEqual([]);
  expect(await notesIn(lab)).toEqual([[setId, [1, 5]]]);
  expect(await lab.store.repairSet(setId, { pace: AT_ONCE })).toMatchObject({ rebuilt: [1, 5] });
  expect(await notesIn(lab)).toEqual([]);
});

test("repair is told of what it notes, and does not wait for its next look", async () => {
  const lab = await givenStore();
  let toldCount = 0;
  lab.store.onLostShard(() => (toldCount += 1));
  const object = await lab.put("photo", bytesOf(2 * MIB, 1));
  await verify(lab.store);
  expect(toldCount).toBe(0);
  await breakShard(lab, object, 1, () => FLIP);
  await verify(lab.store);
  expect(toldCount).toBe(1);
});

test("while too few shards are good what is lost is noted all the same", async () => {
  const lab = await givenStore();
  const object = await lab.put("photo", bytesOf(2 * MIB, 1));
  await lab.metadata.noteMissing(setIdOf(object), [0]);
  for (const index of [1, 2, 3]) await breakShard(lab, object, index, () => FLIP);
  const { findings } = await verify(lab.store);
  expect(findings).toMatchObject([{ kind: "unreadable" }]);
  expect(await notesIn(lab)).toEqual([[setIdOf(object), [0, 1, 2, 3]]]);
});
