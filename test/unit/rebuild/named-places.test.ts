// Metadata that says of its sets where they lay once, over drives where they lie elsewhere now: each is read where it is, and
// what is written next lies by the newest layout.

import { expect, test } from "vitest";
import type { DriveId, SetId } from "../../../src/core/ids.ts";
import { ShardError, type ShardName, type ShardStore } from "../../../src/datanode/shard-store.ts";
import { openForReading } from "../../../src/metadata/sqlite/open-database.ts";
import { FOLDER_COUNT, findSets } from "../../../src/rebuild/found-set.ts";
import { settleRestored } from "../../../src/rebuild/settle-restored.ts";
import { drivesOfSet } from "../../../src/store/placement.ts";
import { bodyOf, bytesOf, callsOf, collect, HandClock, md5 } from "../../support/store-lab.ts";
import { givenRebuildLab, type RebuildLab } from "../../support/rebuild-lab.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { openSqliteInProcess } from "../../support/sqlite-in-process.ts";

const KIB = 1024;
/** Enough of them that some share a partition. */
const LARGE = 40;

const OBJECTS: readonly (readonly [string, Buffer])[] = [
  ["packed", bytesOf(40 * KIB, 1)],
  ["packed too", bytesOf(50 * KIB, 2)],
  ...Array.from(
    { length: LARGE },
    (_, seed) => [`large-${seed}`, bytesOf(1_100 * KIB, seed)] as const,
  ),
];

/** SQLite's metadata of a store, and its path: packs are still growing. */
async function givenLife() {
  const lab = await givenRebuildLab({ clock: new HandClock() });
  await lab.put("first", bytesOf(40 * KIB, 0));
  const life = await lab.rebuild();
  const put = (key: string, bytes: Buffer) =>
    life.store.putObject(lab.target(key, { bucket: life.bucket }), bodyOf(bytes));
  for (const [key, bytes] of OBJECTS) await put(key, bytes);
  return { lab, life, path: life.keep(), put };
}

async function givenEnded() {
  const { lab, life, path } = await givenLife();
  await life.store.close();
  return { lab, path };
}

function settle(lab: RebuildLab, path: string, drives: readonly ShardStore[]) {
  return settleRestored({
    draftPath: path,
    drives,
    staying: lab.drives.map(({ driveId }) => driveId),
    clusterId: "cluster",
    nowMs: lab.clock.now(),
    onProgress: () => undefined,
  });
}

/** Each under the name of the next: so shards lie where no layout puts them. */
function turned({ drives }: RebuildLab): readonly ShardStore[] {
  return drives.map((drive, position) => ({
    ...callsOf(drive),
    driveId: drives[(position + 1) % drives.length]?.driveId ?? drive.driveId,
  }));
}

async function has(store: ShardStore, { setId, index }: ShardName): Promise<boolean> {
  const names = await store.list(Number.parseInt(setId.slice(-2), 16));
  return names.some((name) => name.setId === setId && name.index === index);
}

/** Each has copies of what the one before has too, and of its own only what `keeps` says: as amid a move. */
function amidMove(lab: RebuildLab, keeps: (name: ShardName) => boolean): readonly ShardStore[] {
  const others = turned(lab);
  return lab.drives.map((drive): ShardStore => {
    const copies = others.find(({ driveId }) => driveId === drive.driveId) ?? drive;
    const holder = async (name: ShardName): Promise<ShardStore> => {
      if (keeps(name) && (await has(drive, name))) return drive;
      if (await has(copies, name)) return copies;
      throw new ShardError("NotFound", `no shard ${name.index} of ${name.setId}`);
    };
    return {
      ...callsOf(drive),
      read: async (name, ...rest) => (await holder(name)).read(name, ...rest),
      size: async (name) => (await holder(name)).size(name),
      list: async (folder) => {
        const own = (await drive.list(folder)).filter(keeps);
        return [...own, ...(await copies.list(folder))];
      },
    };
  });
}

async function setsOn(drives: readonly ShardStore[]): Promise<ReadonlySet<SetId>> {
  const seen = new Set<SetId>();
  for (let folder = 0; folder < FOLDER_COUNT; folder += 1) {
    for (const { setId } of (await findSets(drives, folder)).sets) seen.add(setId);
  }
  return seen;
}

/** The store over what was settled, once every object was read from it. */
async function readBy(lab: RebuildLab, path: string, drives: readonly ShardStore[]) {
  const metadata = openSqliteInProcess(path, () => lab.clock.now());
  const store = await reopenStore({ ...lab, metadata }, { drives });
  const bucket = await metadata.findBucket("bucket");
  if (bucket === undefined) throw new Error("the bucket is gone");
  for (const [key, bytes] of OBJECTS) {
    const reading = await store.openObject(bucket, key);
    if (reading === undefined) throw new Error(`${key} is gone`);
    expect(md5(await collect(reading.read(0, reading.object.sizeBytes))), key).toBe(md5(bytes));
  }
  expect((await store.verifyObjects({})).findings).toMatchObject({ unreadable: 0 });
  return { store, metadata };
}

test("sets that lie elsewhere than restored metadata says are read where they are", async () => {
  const { lab, path } = await givenEnded();
  const drives = turned(lab);
  const settled = await settle(lab, path, drives);
  expect(settled).toEqual({ gone: 0, moved: 0, placed: (await setsOn(drives)).size });
  const database = openForReading(path);
  const unchecked = "select count(*) from shard_sets where row_check is null";
  expect(database.prepare(unchecked).pluck().get()).toBe(0);
  database.close();
  const { store } = await readBy(lab, path, drives);
  const { live, newest, written } = store.layoutState();
  expect(written).toBe(newest);
  expect(newest.partitions).toEqual(live[0]?.partitions);
  // Of all that has moved alike one layout says where it is.
  expect(live).toHaveLength(3);
});

test("those that lie where it says stay as they are, whatever copies there are elsewhere, and a drive may be away", async () => {
  const { lab, path } = await givenEnded();
  const drives = amidMove(lab, () => true).slice(1);
  expect(await settle(lab, path, drives)).toEqual({ gone: 0, moved: 0, placed: 0 });
  const { store } = await readBy(lab, path, drives);
  expect(store.layoutState().live).toHaveLength(1);
});

test("where some are left where they were and all are where they came, no drive has two of a set", async () => {
  const { lab, path } = await givenEnded();
  const drives = amidMove(lab, ({ index }) => index % 2 === 0);
  const { placed } = await settle(lab, path, drives);
  expect(placed).toBe((await setsOn(drives)).size);
  const { store, metadata } = await readBy(lab, path, drives);
  const { live } = store.layoutState();
  expect(live).toHaveLength(3);
  for (const { id, layoutVersion } of await metadata.listSets(undefined, 1_000)) {
    const layout = live.find(({ version }) => version === layoutVersion);
    const named = layout === undefined ? [] : drivesOfSet(layout, id, 6);
    expect(new Set(named).size).toBe(6);
  }
});

test("sets of which nothing is left keep no layout in force", async () => {
  const { lab, path } = await givenEnded();
  const all = turned(lab);
  const [lost] = await setsOn(all);
  const drives = all.map((drive): ShardStore => ({
    ...callsOf(drive),
    list: async (folder) => (await drive.list(folder)).filter(({ setId }) => setId !== lost),
  }));
  expect(await settle(lab, path, drives)).toMatchObject({ gone: 1 });
  const metadata = openSqliteInProcess(path, () => lab.clock.now());
  const layouts = await metadata.findLayouts();
  const newest = Math.max(...layouts.map(({ version }) => version));
  const sets = await metadata.listSets(undefined, 1_000);
  expect(sets.filter(({ layoutVersion }) => layoutVersion === newest).map(({ id }) => id)).toEqual([
    lost,
  ]);
  await metadata.close();
});

test("a rebuild that begins with such metadata reads its sets where they are, and what was added to its packs since", async () => {
  const { lab, put } = await givenLife();
  const later = bytesOf(30 * KIB, 77);
  await put("later", later);
  const drives = turned(lab);
  const rebuilt = await lab.rebuildOver(drives);
  expect(rebuilt.base.source).toBe("database");
  expect(rebuilt.tally).toMatchObject({ placed: (await setsOn(drives)).size, gone: 0, objects: 1 });
  expect(rebuilt.foundLayouts).toBe(2);
  for (const [key, bytes] of [...OBJECTS, ["later", later] as const]) {
    expect(md5((await rebuilt.get(key)) ?? Buffer.alloc(0)), key).toBe(md5(bytes));
  }
});

test("where a drive has come for another since, new sets are written on those that there are", async () => {
  const { lab } = await givenEnded();
  const drives = lab.drives.map((drive, position) =>
    position === 0 ? { ...callsOf(drive), driveId: "its successor" as DriveId } : drive,
  );
  const rebuilt = await lab.rebuildOver(drives);
  const { newest, written } = rebuilt.store.layoutState();
  expect(written).toBe(newest);
  expect(newest.drives).toEqual(drives.map(({ driveId }) => driveId));
  for (const [key, bytes] of OBJECTS) {
    expect(md5((await rebuilt.get(key)) ?? Buffer.alloc(0)), key).toBe(md5(bytes));
  }
  expect((await rebuilt.store.verifyObjects({})).findings).toMatchObject({ unreadable: 0 });
});
