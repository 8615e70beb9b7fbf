// Layouts from where shards lie: none where the known one fits, and else such that every set's shards are where its layout
// says, whatever is missing of it.

import { expect, test } from "vitest";
import type { DriveId, SetId } from "../../../src/core/ids.ts";
import type { StagedSet } from "../../../src/metadata/sqlite/rebuild/claim-stage.ts";
import { SetPlaces } from "../../../src/rebuild/place-sets.ts";
import { drivesOfSet, makeLayout, partitionOf } from "../../../src/store/placement.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";

const DRIVES = Array.from({ length: 7 }, (_, index) => `drive-${index}` as DriveId);
const SHARDS = 6;

function setOf(number: number, drives: readonly number[]): StagedSet {
  const id = number.toString(16).padStart(32, "0") as SetId;
  const geometry = { dataShards: 4, parityShards: 2, unitBytes: 65_536, headerBytes: 512 };
  return { id, ...geometry, sizeBytes: 1, isPack: false, drives };
}

test("sets that lie where the known layout says need no other, missing shards or not", () => {
  const layout = makeLayout(1, DRIVES);
  const places = new SetPlaces(DRIVES, [layout]);
  for (let number = 0; number < 512; number += 1) {
    const set = setOf(number, []);
    const drives = drivesOfSet(layout, set.id, SHARDS).map((id) => DRIVES.indexOf(id));
    const found = { ...set, drives: drives.map((at, index) => (index === number % 6 ? -1 : at)) };
    places.add(found);
    expect(places.versionOf(found)).toBe(1);
  }
  expect(places.layouts()).toEqual([]);
});

test("sets that lie elsewhere get layouts that say where, and the known one stays in force", () => {
  const seed = Date.now() % 1_000_000;
  const random = seededRandom(seed);
  const known = makeLayout(3, DRIVES);
  const places = new SetPlaces(DRIVES, [known]);
  // Three layouts that nobody knows any more, each a turn of the others; of some sets a shard is missing.
  const sets = Array.from({ length: 1_000 }, (_, number) => {
    const turn = number % 3;
    const partition = partitionOf(setOf(number, []).id);
    const order = Array.from({ length: SHARDS }, (_each, at) => (partition + turn * 2 + at) % 7);
    const lost = random.below(12);
    return setOf(
      number,
      order.map((drive, index) => (index === lost ? -1 : drive)),
    );
  });
  for (const set of sets) places.add(set);
  const layouts = places.layouts();
  expect(layouts.at(-1), `seed ${seed}`).toMatchObject({ ...known, version: 3 + layouts.length });
  expect(layouts.map(({ version }) => version)).toEqual(layouts.map((_, index) => 4 + index));
  const byVersion = new Map([known, ...layouts].map((layout) => [layout.version, layout]));
  for (const set of sets) {
    const layout = byVersion.get(places.versionOf(set));
    const named = layout === undefined ? [] : drivesOfSet(layout, set.id, SHARDS);
    expect(new Set(named).size, `seed ${seed}`).toBe(SHARDS);
    const expected = set.drives.map((drive, index) => DRIVES[drive] ?? named[index]);
    expect(named, `seed ${seed}`).toEqual(expected);
  }
});

test("a change of the drives that had begun is what sets come to lie by", () => {
  const before = makeLayout(1, DRIVES);
  const begun = { ...makeLayout(2, DRIVES.slice(0, 6)), isWritten: false };
  const places = new SetPlaces(DRIVES, [before, begun]);
  places.add(setOf(1, [6, 5, 4, 3, 2, 0]));
  const layouts = places.layouts();
  expect(layouts.at(-1)).toEqual({ ...begun, version: 4, isWritten: true });
});

test("of sets with more shards than the known layout has places each gets a place, and layouts say how they are cut", () => {
  const first = makeLayout(1, DRIVES);
  const partitions = first.partitions.map((order) => order.slice(0, 3));
  const narrow = { ...first, partitions, geometry: { dataShards: 2, parityShards: 1 } };
  const places = new SetPlaces(DRIVES, [narrow]);
  const wide = setOf(1, [0, 1, 2, 3, 4, 5]);
  // Where the known layout has its first place, but cut otherwise.
  const bare = { ...setOf(2, [first.partitions[2]?.[0] ?? 0]), dataShards: 1, parityShards: 0 };
  for (const set of [wide, bare]) places.add(set);
  const layouts = places.layouts();
  expect(layouts.map(({ geometry }) => geometry)).toEqual([
    { dataShards: 4, parityShards: 2 },
    { dataShards: 1, parityShards: 0 },
    narrow.geometry,
  ]);
  expect([wide, bare].map((set) => places.versionOf(set))).toEqual([2, 3]);
  for (const order of layouts.at(-1)?.partitions ?? []) {
    expect(order.length).toBe(SHARDS);
    expect(new Set(order).size).toBe(SHARDS);
  }
});
