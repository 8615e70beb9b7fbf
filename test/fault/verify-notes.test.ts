// What `verify` tells the metadata of shards: that they are lost, and that they are whole again, so that what `status` says
// of a drive that was put back is true without a repair.

import { expect, test } from "vitest";
import type { SetId } from "../../src/core/ids.ts";
import type { ObjectRecord } from "../../src/metadata/records.ts";
import type { OpenObjectStore } from "../../src/store/open-object-store.ts";
import { givenPacks, packedOf, packFiles } from "../support/pack-lab.ts";
import { reopenStore } from "../support/reopen-store.ts";
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

test("notes of shards that are whole again go, and of those that are not stay", async () => {
  const lab = await givenStore();
  const object = await lab.put("photo", bytesOf(2 * MIB, 1));
  const setId = setIdOf(object);
  for (const index of [1, 5]) await breakShard(lab, object, index, () => FLIP);
  await verify(lab.store);
  expect(await notesIn(lab)).toEqual([[setId, [1, 5]]]);
  await breakShard(lab, object, 5, () => FLIP);
  await verify(lab.store);
  expect(await notesIn(lab)).toEqual([[setId, [1]]]);
  const { disk } = await lab.shardOf(object, 1);
  await breakShard(lab, object, 1, () => FLIP);
  // What cannot be looked at may be lost as well.
  disk.setOffline(true);
  await verify(lab.store);
  expect(await notesIn(lab)).toEqual([[setId, [1]]]);
  disk.setOffline(false);
  await expect.poll(async () => (await verify(lab.store)).findings).toEqual([]);
  expect(await notesIn(lab)).toEqual([]);
});

test("while too few shards are good nothing is taken back", async () => {
  const lab = await givenStore();
  const object = await lab.put("photo", bytesOf(2 * MIB, 1));
  await lab.metadata.noteMissing(setIdOf(object), [0]);
  for (const index of [1, 2, 3]) await breakShard(lab, object, index, () => FLIP);
  const { findings } = await verify(lab.store);
  expect(findings).toMatchObject([{ kind: "unreadable" }]);
  expect(await notesIn(lab)).toEqual([[setIdOf(object), [0, 1, 2, 3]]]);
});

/** Two objects in a pack of a process that has ended, with a note of shard 2. */
async function givenOldPack() {
  const lab = await givenPacks();
  const objects = await Promise.all(
    ["a", "b"].map((key, seed) => lab.put(key, bytesOf(40_000, seed))),
  );
  const [{ set }, other] = objects.map(packedOf) as [
    ReturnType<typeof packedOf>,
    ReturnType<typeof packedOf>,
  ];
  expect(other.set.id).toBe(set.id);
  await lab.metadata.noteMissing(set.id, [2]);
  const flip = async (object: ObjectRecord | undefined) => {
    const file = object && (await packFiles(lab, object))[2];
    if (object === undefined || file === undefined) throw new Error("no such shard");
    file.disk.corrupt(file.path, { kind: "flip", offset: packedOf(object).offset + 10 });
  };
  const notes = async (store: OpenObjectStore, prefix = "") => {
    await verify(store, { prefix });
    return notesIn(lab);
  };
  const restart = async () => {
    await lab.store.close();
    return reopenStore(lab);
  };
  return { lab, objects, id: set.id, flip, notes, restart };
}

test("a pack is whole when every object in it says so, and it does not grow any more", async () => {
  const { lab, objects, id, flip, notes, restart } = await givenOldPack();
  await flip(objects[1]);
  expect(await notes(lab.store)).toEqual([[id, [2]]]);
  const later = await restart();
  expect(await notes(later)).toEqual([[id, [2]]]);
  await flip(objects[1]);
  // Not all of it is looked at.
  expect(await notes(later, "a")).toEqual([[id, [2]]]);
  expect(await notes(later)).toEqual([]);
});

test("of a pack that may still grow notes stay", async () => {
  const { lab, id, notes } = await givenOldPack();
  expect(await notes(lab.store)).toEqual([[id, [2]]]);
});

test("what a walk itself has found lost of a pack it does not take for whole", async () => {
  const lab = await givenPacks();
  // More than a page: the rows of the next tell of the note that the first has led to.
  const keys = Array.from({ length: 240 }, (_, index) => String(index).padStart(3, "0"));
  const objects = await Promise.all(keys.map((key, seed) => lab.put(key, bytesOf(20_000, seed))));
  const [first] = objects.map(packedOf);
  if (first === undefined) throw new Error("no object");
  const { set, offset } = first;
  expect(packedOf({ content: objects.at(-1)?.content ?? first }).set.id).toBe(set.id);
  const file = (await packFiles(lab, { content: first }))[2];
  file?.disk.corrupt(file.path, { kind: "flip", offset: offset + 10 });
  await lab.store.close();
  const store = await reopenStore(lab);
  for (let turn = 0; turn < 2; turn += 1) {
    expect((await verify(store)).findings).toHaveLength(1);
    expect(await notesIn(lab)).toEqual([[set.id, [2]]]);
  }
});
