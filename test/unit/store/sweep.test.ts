// The sweep: what no metadata names, of a process that has ended, goes after the grace; nothing else ever does. Over
// simulated drives, with a process that dies at any moment in between.

import { EventEmitter, once } from "node:events";
import { setImmediate as giveWay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ShardName } from "../../../src/datanode/shard-store.ts";
import type { DriveId, Incarnation, SetId } from "../../../src/core/ids.ts";
import type { JournalReport } from "../../../src/metadata/metadata-store.ts";
import { seededRandom } from "../../../src/util/seeded-random.ts";
import {
  bodyOf,
  bytesOf,
  collect,
  givenStore,
  HandClock,
  OWNER,
  setIdOf,
} from "../../support/store-lab.ts";
import { reopenStore } from "../../support/reopen-store.ts";
import { deleteKeys } from "../../support/delete-keys.ts";

const SIZE = 2_000_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function givenDeadProcess(more: Parameters<typeof givenStore>[0] = {}) {
  const clock = new HandClock();
  const lab = await givenStore({ clock, ...more });
  const kept = await lab.put("kept", bytesOf(SIZE, 1));
  const orphan = await leaveOrphan(lab, "orphan");
  return { ...lab, clock, kept, orphan };
}

/** Shards of a whole set that its process had no time to name. */
async function leaveOrphan(lab: Awaited<ReturnType<typeof givenStore>>, key: string) {
  const { metadata } = lab;
  const putObject = metadata.putObject.bind(metadata);
  let setId: SetId | undefined;
  metadata.putObject = (input) => {
    if (input.content.kind !== "set") throw new Error("the object has no set of its own");
    setId = input.content.set.id;
    // An error that says nothing of whether the change was made: the shards are kept.
    return Promise.reject(new Error("the process dies here"));
  };
  await expect(lab.put(key, bytesOf(SIZE, 2))).rejects.toThrow("dies here");
  metadata.putObject = putObject;
  if (setId === undefined) throw new Error("nothing was written");
  return setId;
}

test("F03 F04 shards of a process that ended go after the grace; what is named stays", async () => {
  const lab = await givenDeadProcess();
  const { clock, orphan, kept, shardFiles, metadata } = lab;
  const store = await reopenStore(lab);
  const seen = await store.sweepOrphans();
  expect(seen).toMatchObject({
    isComplete: true,
    refusal: undefined,
    shardsSeen: 12,
    orphanSets: 1,
    removedShards: 0,
    waitingShards: 6,
    unknownSets: 0,
    ownSets: 0,
    skippedDrives: [],
  });
  expect((await store.listOrphans()).map(({ setId }) => setId)).toEqual([orphan]);
  clock.nowMs += MINUTE_MS - 1;
  expect((await store.sweepOrphans()).removedShards).toBe(0);
  clock.nowMs += 1;
  expect(await store.sweepOrphans()).toMatchObject({ removedShards: 6, waitingShards: 0 });
  expect(await store.listOrphans()).toEqual([]);
  const files = await shardFiles();
  expect(files).toHaveLength(6);
  expect(files.every((file) => file.includes(setIdOf(kept)))).toBe(true);
  expect(await metadata.listTrash(10)).toEqual([]);
});

test("what a row still names stays, though the table of sets has lost it", async () => {
  const lab = await givenDeadProcess({ limits: { packBytesMax: 1024 * 1024 } });
  await lab.put("packed", bytesOf(100_000, 3));
  await lab.put("packed too", bytesOf(100_000, 4));
  const { bucket, metadata, target } = lab;
  const upload = await lab.store.createUpload(target("parts"), OWNER, undefined);
  await lab.store.putPart({ bucket, upload }, 1, bodyOf(bytesOf(SIZE, 5)));
  const store = await reopenStore(lab);
  metadata.findNamedSets = async () => new Set();
  const files = await lab.shardFiles();
  const report = await store.sweepOrphans({ graceMs: 0 });
  // The orphan goes; an object, a pack and a part stay.
  expect(report).toMatchObject({
    orphanSets: 1,
    removedShards: 6,
    waitingShards: 0,
    unknownSets: 3,
  });
  expect(await lab.shardFiles()).toEqual(files.filter((file) => !file.includes(lab.orphan)));
  await deleteKeys(store, bucket, ["packed", "packed too"]);
  expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({ removedShards: 6 });
});

test("what was removed does not come back after a power cut", async () => {
  const lab = await givenDeadProcess();
  const store = await reopenStore(lab);
  expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({ removedShards: 6 });
  for (const disk of lab.disks) disk.crash();
  expect(await lab.shardFiles()).toHaveLength(6);
});

test("a living process keeps what it has not named yet, be it this one or another", async () => {
  const lab = await givenDeadProcess();
  expect(await lab.store.sweepOrphans({ graceMs: 0 })).toMatchObject({
    orphanSets: 0,
    ownSets: 1,
    removedShards: 0,
  });
  const other = await reopenStore(lab, { isSoleOwner: false });
  expect(await other.sweepOrphans({ graceMs: 0 })).toMatchObject({
    orphanSets: 0,
    ownSets: 0,
    livingSets: 1,
    removedShards: 0,
  });
});

test("a set of a process that the metadata does not know is kept and told of", async () => {
  const lab = await givenDeadProcess();
  const name: ShardName = { setId: "ab".repeat(16) as SetId, index: 3 };
  const [disk] = lab.disks;
  await disk?.makeDirectory("shards/ab");
  const file = await disk?.create(`shards/ab/${name.setId}.3`);
  await file?.close();
  const store = await reopenStore(lab);
  expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({
    orphanSets: 1,
    unknownSets: 1,
    unknownExamples: [name.setId],
    removedShards: 6,
  });
  expect(await lab.shardFiles()).toHaveLength(7);
});

test("what lies in the trash is the trash's, and files that are no shards are nobody's", async () => {
  const lab = await givenDeadProcess();
  await deleteKeys(lab.store, lab.bucket, ["kept"]);
  await lab.disks[0]?.writeFile("shards/notes.txt", Buffer.from("mine"));
  const store = await reopenStore(lab);
  expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({
    orphanSets: 1,
    removedShards: 6,
  });
  expect((await lab.metadata.listTrash(10)).map(({ setId }) => setId)).toEqual([setIdOf(lab.kept)]);
});

test("a reading that began before keeps an orphan", async () => {
  const lab = await givenDeadProcess();
  const store = await reopenStore(lab);
  const reading = await store.openObject(lab.bucket, "kept");
  expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({
    removedShards: 0,
    waitingShards: 6,
  });
  reading?.close();
  expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({ removedShards: 6 });
});

test("F40 a drive that was away is swept when it is back", async () => {
  const lab = await givenDeadProcess();
  const { disks, clock, shardFiles } = lab;
  const store = await reopenStore(lab);
  disks[4]?.setOffline(true);
  const { signal } = new AbortController();
  clock.nowMs += MINUTE_MS;
  const first = await store.sweepDue(signal);
  expect(first).toMatchObject({ removedShards: 0, waitingShards: 5 });
  expect(first?.skippedDrives).toHaveLength(1);
  clock.nowMs += MINUTE_MS;
  expect(await store.sweepDue(signal)).toMatchObject({ removedShards: 5, waitingShards: 0 });
  expect(await store.sweepDue(signal)).toBeUndefined();

  disks[4]?.setOffline(false);
  clock.nowMs += MINUTE_MS;
  await expect.poll(() => store.awayCount()).toBe(0);
  expect(await shardFiles()).toHaveLength(7);
  // The orphan's grace was over while the drive was away.
  expect(await store.sweepDue(signal)).toMatchObject({ shardsSeen: 2, removedShards: 1 });
  expect(await shardFiles()).toHaveLength(6);
});

test("in the background it waits for the grace after the start, then for six hours", async () => {
  const lab = await givenStore({ clock: new HandClock() });
  const clock = lab.clock as HandClock;
  const { signal } = new AbortController();
  expect(await lab.store.sweepDue(signal)).toBeUndefined();
  clock.nowMs += MINUTE_MS;
  expect(await lab.store.sweepDue(signal)).toMatchObject({ isComplete: true });
  clock.nowMs += 6 * HOUR_MS - 1;
  expect(await lab.store.sweepDue(signal)).toBeUndefined();
  clock.nowMs += 1;
  expect(await lab.store.sweepDue(signal)).toMatchObject({ isComplete: true });
});

test("it can be cut short, and tells how far it is", async () => {
  const lab = await givenDeadProcess();
  const store = await reopenStore(lab);
  const abort = new AbortController();
  const folders: number[] = [];
  const report = await store.sweepOrphans({
    graceMs: 0,
    signal: abort.signal,
    onProgress: ({ foldersDone }) => {
      folders.push(foldersDone);
      if (foldersDone === 3) abort.abort();
    },
  });
  expect(report.isComplete).toBe(false);
  expect(folders).toEqual([1, 2, 3]);
});

const GOOD = { state: "good", sequence: 7, problem: undefined } as const;

test.each<[string, readonly Partial<JournalReport["members"][number]>[], number]>([
  ["all copies are up to date", [{}, {}, {}], 6],
  ["one of three copies is away", [{}, {}, { state: "away" }], 5],
  ["only one of three copies is up to date", [{}, { state: "behind" }, { state: "away" }], 0],
  ["a copy is newer than the metadata", [{}, {}, { sequence: 8 }], 0],
])("where %s, what may be trusted is swept: %#", async (_given, members, removedShards) => {
  const lab = await givenDeadProcess();
  const ids = lab.disks.map((_, index) => index);
  const store = await reopenStore(lab);
  const driveIds = (await lab.metadata.findLayouts())[0]?.drives ?? [];
  lab.metadata.journalReport = () => ({
    epoch: 3,
    sequence: 7,
    quorum: 2,
    members: members.map((member, index) => ({
      ...GOOD,
      driveId: driveIds[ids[index] ?? 0] ?? ("" as DriveId),
      label: `drive ${index}`,
      ...member,
    })),
  });
  const report = await store.sweepOrphans({ graceMs: 0 });
  expect(report.removedShards).toBe(removedShards);
  expect(report.refusal === undefined).toBe(removedShards > 0);
});

test("F03 whenever its process dies, a sweep after it leaves what is named, and nothing else", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
  console.log(`sweep: SEED=${seed}`);
  const random = seededRandom(seed);
  for (let round = 0; round < 3; round += 1) await liveAndDie(random.below(2 ** 30));
  expect.hasAssertions();
});

/** A few lives of a writer that is cut off amid its work, each followed by a sweep. */
async function liveAndDie(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const lab = await givenStore({ clock: new HandClock(), limits: { writeDeadlineMs: 200 } });
  /** What was acknowledged, by key. */
  const acknowledged = new Map<string, Buffer>();
  let { store } = lab;
  for (let life = 0; life < 3; life += 1) {
    const work = Array.from({ length: 5 }, async (_, at) => {
      const key = `${life}-${at}`;
      const bytes = bytesOf(1_100_000 + random.below(900_000), random.below(1_000));
      await store.putObject(lab.target(key), bodyOf(bytes));
      acknowledged.set(key, bytes);
    });
    const [gone] = acknowledged.keys();
    if (gone !== undefined) {
      acknowledged.delete(gone);
      work.push(deleteKeys(store, lab.bucket, [gone]).then(() => undefined));
    }
    await passTurns(random.below(60));
    for (const disk of lab.disks) disk.crash(random.below(2) === 0 ? "lost" : "torn");
    store = await reopenStore(lab);
    await Promise.allSettled(work);
    expect(await store.sweepOrphans({ graceMs: 0 })).toMatchObject({
      refusal: undefined,
      waitingShards: 0,
      skippedDrives: [],
    });
    expect(await store.listOrphans(), `SEED=${seed}`).toEqual([]);
    for (const [key, bytes] of acknowledged) {
      const reading = await store.openObject(lab.bucket, key);
      if (reading === undefined) throw new Error(`${key} is lost, SEED=${seed}`);
      const found = await collect(reading.read(0, reading.object.sizeBytes));
      expect(found.equals(bytes), `${key}, SEED=${seed}`).toBe(true);
    }
  }
  const files = await lab.shardFiles();
  const ids = files.map((file) => file.slice("shards/ab/".length, -2) as SetId);
  const named = await lab.metadata.findNamedSets(ids);
  expect(
    ids.filter((setId) => !named.has(setId)),
    `SEED=${seed}`,
  ).toEqual([]);
}

/** So many turns of the event loop, in which the simulated drives do their work. */
async function passTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await giveWay();
}

test("a set that is named, and whose process ends, while a folder is looked at is kept", async () => {
  const lab = await givenStore({ clock: new HandClock() });
  const { metadata } = lab;
  const [own] = await metadata.listProcesses();
  if (own === undefined) throw new Error("no process");
  // The writer's commit comes after its set was asked for, and then its process ends.
  const putObject = metadata.putObject.bind(metadata);
  const findNamedSets = metadata.findNamedSets.bind(metadata);
  const events = new EventEmitter();
  const written = once(events, "written");
  const mayCommit = once(events, "commit");
  metadata.putObject = async (input) => {
    if (input.content.kind === "set") events.emit("written", input.content.set.id);
    await mayCommit;
    return putObject(input);
  };
  const writing = lab.put("late", bytesOf(SIZE, 1));
  const [setId] = (await written) as [SetId];
  const store = await reopenStore(lab, { isSoleOwner: false });
  metadata.findNamedSets = async (setIds) => {
    const named = await findNamedSets(setIds);
    if (setIds.includes(setId)) {
      events.emit("commit");
      await writing;
      await metadata.endIncarnation(own.incarnation, 1);
    }
    return named;
  };
  await store.sweepOrphans({ graceMs: 0 });
  expect(await lab.shardFiles()).toHaveLength(6);
  expect((await lab.get("late")).equals(bytesOf(SIZE, 1))).toBe(true);
});

test("an incarnation that has ended commits nothing any more", async () => {
  const lab = await givenDeadProcess();
  await reopenStore(lab);
  await expect(lab.put("late", bytesOf(SIZE, 3))).rejects.toThrow("has ended");
  const ended = (await lab.metadata.listProcesses()).filter(({ endedAt }) => endedAt !== undefined);
  expect(ended.map(({ incarnation }) => incarnation)).toEqual([
    lab.orphan.slice(0, 16) as Incarnation,
  ]);
});
