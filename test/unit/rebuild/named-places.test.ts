// Metadata that says of its sets where they lay once, over drives where they lie elsewhere now: each is read where it is, and
// what is written next lies by the newest layout.

import { expect, test } from "vitest";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import { FOLDER_COUNT, findSets } from "../../../src/rebuild/found-set.ts";
import { settleRestored } from "../../../src/rebuild/settle-restored.ts";
import { bodyOf, bytesOf, callsOf, collect, HandClock, md5 } from "../../support/store-lab.ts";
import { givenRebuildLab, type RebuildLab } from "../../support/rebuild-lab.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { openSqliteInProcess } from "../../support/sqlite-in-process.ts";

const KIB = 1024;
const OBJECTS = [
  ["packed", bytesOf(40 * KIB, 1)],
  ["packed too", bytesOf(50 * KIB, 2)],
  ["large", bytesOf(1_500 * KIB, 3)],
  ["larger", bytesOf(2_500 * KIB, 4)],
] as const;

/** SQLite's metadata of a store that has ended, and its path. */
async function givenEnded() {
  const clock = new HandClock();
  const lab = await givenRebuildLab({ clock });
  await lab.put("first", bytesOf(40 * KIB, 0));
  const life = await lab.rebuild();
  for (const [key, bytes] of OBJECTS) {
    await life.store.putObject(lab.target(key, { bucket: life.bucket }), bodyOf(bytes));
  }
  const path = life.keep();
  await life.store.close();
  return { clock, lab, path };
}

/** Each under the name of the next: so shards lie where no layout puts them. */
function turned({ drives }: RebuildLab): readonly ShardStore[] {
  return drives.map((drive, position) => ({
    ...callsOf(drive),
    driveId: drives[(position + 1) % drives.length]?.driveId ?? drive.driveId,
  }));
}

async function setCount(drives: readonly ShardStore[]): Promise<number> {
  const seen = new Set<string>();
  for (let folder = 0; folder < FOLDER_COUNT; folder += 1) {
    for (const { setId } of (await findSets(drives, folder)).sets) seen.add(setId);
  }
  return seen.size;
}

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
  return store;
}

test("sets that lie elsewhere than restored metadata says are read where they are", async () => {
  const { clock, lab, path } = await givenEnded();
  const drives = turned(lab);
  const rest = { clusterId: "cluster", nowMs: clock.now(), onProgress: () => undefined };
  const settled = await settleRestored({ draftPath: path, drives, ...rest });
  expect(settled).toEqual({ gone: 0, moved: 0, placed: await setCount(drives) });
  const store = await readBy(lab, path, drives);
  const { live, newest, written } = store.layoutState();
  expect(written).toBe(newest);
  expect(newest.partitions).toEqual(live[0]?.partitions);
  expect(live.length).toBeGreaterThan(2);
});

test("those that lie where it says stay as they are", async () => {
  const { clock, lab, path } = await givenEnded();
  const { drives } = lab;
  const rest = { clusterId: "cluster", nowMs: clock.now(), onProgress: () => undefined };
  const settled = await settleRestored({ draftPath: path, drives, ...rest });
  expect(settled).toEqual({ gone: 0, moved: 0, placed: 0 });
  const store = await readBy(lab, path, drives);
  expect(store.layoutState().live).toHaveLength(1);
});

test("a rebuild that begins with such metadata says where its sets are, too", async () => {
  const { lab } = await givenEnded();
  const drives = turned(lab);
  const { base, tally } = await lab.rebuildOnly(drives);
  expect(base.source).toBe("database");
  expect(tally).toMatchObject({ placed: await setCount(drives), gone: 0 });
});
