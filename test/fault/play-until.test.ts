// The members' chain played on a copy of the database, on real drive folders: to its end, or to a time that notes in the
// chain tell; where it does not go on from the copy, that is said. And the base of a rebuild, of what is left of the members.

import { copyFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ClockMarks } from "../../src/backup/clock-marks.ts";
import { openMember, type MemberSpec } from "../../src/metadata/members/member-spec.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { openForReading } from "../../src/metadata/sqlite/open-database.ts";
import { openMemberedMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import { copyDatabase } from "../../src/metadata/sqlite/rebuild/copy-database.ts";
import { findBase } from "../../src/metadata/sqlite/rebuild/find-base.ts";
import { playUntil } from "../../src/metadata/sqlite/rebuild/play-until.ts";
import { atEnd } from "../support/at-end.ts";
import { CLUSTER, formatMembers } from "../support/member-folders.ts";
import { until } from "../support/until.ts";

const quiet = (): void => undefined;

async function givenChain() {
  const base = await mkdtemp(join(tmpdir(), "kintsugi-play-"));
  atEnd(() => rm(base, { recursive: true, force: true }));
  const { specs, pathOf } = await formatMembers(base, 5);
  const folder = join(base, "metadata");
  const { metadata } = await openMemberedMetadata({
    folder,
    plan: {
      specs,
      drives: specs.map(({ driveId }) => driveId),
      toleratedCount: 2,
      owner: "00000000000000aa",
      clusterId: CLUSTER,
      acceptLoss: false,
    },
    onLog: quiet,
    onFenced: quiet,
  });
  atEnd(() => metadata.close());
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs, monotonic: () => 0, translate: Number };
  const marks = new ClockMarks(metadata, clock);
  const before = metadata.journalReport()?.sequence ?? 0;
  await marks.step();
  await until(5_000, "the first note is told", async () => sequenceOf(metadata) > before);
  return { base, specs, pathOf, metadata, clock, marks, databasePath: join(folder, "metadata.db") };
}

/** A change, and, once the members have told of it, a note of the time. */
async function change(
  { metadata, clock, marks }: Awaited<ReturnType<typeof givenChain>>,
  name: string,
  nowMs: number,
): Promise<void> {
  const before = metadata.journalReport()?.sequence ?? 0;
  await metadata.ensureSetting(name, name);
  await until(5_000, "the change is told", async () => sequenceOf(metadata) > before);
  clock.nowMs = nowMs;
  await marks.step();
}

const sequenceOf = (metadata: MetadataStore) => metadata.journalReport()?.sequence ?? 0;

async function openAll(specs: readonly MemberSpec[]) {
  const members = await Promise.all(specs.map(openMember));
  for (const member of members) atEnd(() => member.close());
  return members;
}

function namesIn(path: string): readonly string[] {
  const database = openForReading(path);
  try {
    return database.prepare<[], string>("select name from settings order by name").pluck().all();
  } finally {
    database.close();
  }
}

test("a copy is brought to the end of the chain, or to the last note before a time", async () => {
  const chain = await givenChain();
  await change(chain, "a", 2_000_000);
  const copy = join(chain.base, "copy.db");
  const described = await copyDatabase(chain.databasePath, copy, "cluster.id");
  expect(described).toMatchObject({ clusterId: undefined });
  await change(chain, "b", 3_000_000);
  await change(chain, "c", 4_000_000);
  await chain.metadata.close();
  const members = await openAll(chain.specs);
  const play = async (time: number | undefined) => {
    const path = join(chain.base, `played-${time}.db`);
    await copyFile(copy, path);
    const options = { path, members, until: time, onProgress: quiet };
    return { ...(await playUntil(options)), names: namesIn(path) };
  };
  expect(await play(3_500_000)).toMatchObject({
    noted: 3_000_000,
    isEnd: false,
    names: ["a", "b"],
  });
  expect(await play(2_500_000)).toMatchObject({ isEnd: false, names: ["a"] });
  expect(await play(4_000_000)).toMatchObject({ noted: 4_000_000, names: ["a", "b", "c"] });
  expect(await play(9_000_000)).toMatchObject({ isEnd: true, names: ["a", "b", "c"] });
  expect(await play(undefined)).toMatchObject({ isEnd: true, names: ["a", "b", "c"] });
});

test("what was changed after the last note is not played for any time", async () => {
  const chain = await givenChain();
  const copy = join(chain.base, "copy.db");
  await copyDatabase(chain.databasePath, copy, "cluster.id");
  await change(chain, "a", 2_000_000);
  // Hours later, and the server is stopped before the next look.
  await chain.metadata.ensureSetting("mistake", "mistake");
  await chain.metadata.close();
  const members = await openAll(chain.specs);
  const played = await playUntil({ path: copy, members, until: 9_000_000, onProgress: quiet });
  expect(played).toMatchObject({ noted: 2_000_000, isTimed: true, isEnd: false });
  expect(namesIn(copy)).toEqual(["a"]);
  // Of a copy that was made after the last note nothing says when what follows was changed.
  const again = await playUntil({ path: copy, members, until: 9_000_000, onProgress: quiet });
  expect(again).toMatchObject({ noted: undefined, isTimed: false, isEnd: false });
});

test("nothing is noted while nothing changes", async () => {
  const chain = await givenChain();
  const before = sequenceOf(chain.metadata);
  await change(chain, "a", 2_000_000);
  const isTold = (count: number) => async () => sequenceOf(chain.metadata) >= before + count;
  await until(5_000, "a change and its note are told", isTold(2));
  for (let step = 0; step < 3; step += 1) await chain.marks.step();
  await change(chain, "b", 3_000_000);
  await until(5_000, "two more are told", isTold(4));
  expect(sequenceOf(chain.metadata)).toBe(before + 4);
});

test("a rebuild begins with the members, fewer than a start needs; then with the database; then with nothing", async () => {
  const chain = await givenChain();
  for (const name of ["a", "b"]) await chain.metadata.ensureSetting(name, name);
  await chain.metadata.close();
  const path = join(chain.base, "draft.db");
  const standingPath = chain.databasePath;
  const find = async (count: number) => {
    const members = await openAll(chain.specs.slice(5 - count));
    return findBase({ path, standingPaths: [standingPath], members, onProgress: quiet });
  };
  expect(await find(5)).toMatchObject({ source: "members", isWhole: true });
  expect(await find(1)).toMatchObject({ source: "members", isWhole: false });
  expect(namesIn(path)).toEqual(["a", "b"]);
  expect(await find(0)).toMatchObject({ source: "database", isWhole: false });
  expect(namesIn(path)).toEqual(["a", "b"]);
  await rename(standingPath, `${standingPath}.gone`);
  await writeFile(standingPath, "no database");
  const none = await find(0);
  expect(none).toMatchObject({ source: "none", isWhole: false });
  expect(none.remarks.join()).toMatch(/cannot be read/);
});
