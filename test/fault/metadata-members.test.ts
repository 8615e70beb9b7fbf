// The metadata beside its members on real drive folders, with the writer in its thread: snapshots and cut chains,
// databases and drives that are lost or replaced.

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import type { MemberSpec } from "../../src/metadata/members/member-spec.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import {
  openMemberedMetadata,
  type MemberedMetadata,
} from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import type { MembersPlan } from "../../src/metadata/sqlite/writer-host.ts";
import { CLUSTER, formatMembers } from "../support/member-folders.ts";

const KIB = 1024;

async function givenDrives(count: number) {
  const base = await mkdtemp(join(tmpdir(), "kintsugi-members-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  return { base, ...(await formatMembers(base, count)) };
}

interface OpenChange extends Partial<MembersPlan> {
  readonly folder: string;
  readonly specs: readonly MemberSpec[];
}

async function givenMetadata({ folder, specs, ...change }: OpenChange) {
  const log: string[] = [];
  const fenced: string[] = [];
  const opened = await openMemberedMetadata({
    folder,
    plan: {
      specs,
      drives: specs.map(({ driveId }) => driveId),
      toleratedCount: 2,
      owner: "00000000000000aa",
      clusterId: CLUSTER,
      acceptLoss: false,
      ...change,
    },
    onLog: (_level, words) => log.push(words),
    onFenced: (words) => fenced.push(words),
  });
  onTestFinished(() => opened.metadata.close());
  return { ...opened, log, fenced };
}

async function write(store: MetadataStore, from: number, count: number, sizeBytes = 10) {
  const names = Array.from({ length: count }, (_, index) => `name-${from + index}`);
  // Bytes that do not deflate: the journal grows by them.
  const filler = randomBytes(sizeBytes / 2).toString("hex");
  for (const name of names) await store.ensureSetting(name, name + filler);
}

async function expectAll(store: MetadataStore, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    expect(await store.findSetting(`name-${index}`)).toMatch(`name-${index}`);
  }
}

const statesOf = ({ metadata }: MemberedMetadata) =>
  metadata.journalReport()?.members.map(({ state }) => state);

test("F77 a snapshot cuts the chain, and a lost database is made anew from it and what came after", async () => {
  const { base, specs, pathOf } = await givenDrives(6);
  const first = await givenMetadata({
    folder: join(base, "one"),
    specs,
    snapshotBytesMin: 64 * KIB,
  });
  await write(first.metadata, 0, 40, 8 * KIB);
  const hasSnapshot = async (slot: number) =>
    (await readdir(join(pathOf(slot), "journal"))).some((name) => name.endsWith(".snapshot"));
  // The first copies go to the first members; the third is the last that is needed.
  await vi.waitFor(async () => expect(await hasSnapshot(2)).toBe(true), { timeout: 20_000 });
  await write(first.metadata, 40, 10);
  await first.metadata.close();

  const second = await givenMetadata({ folder: join(base, "two"), specs });
  await expectAll(second.metadata, 50);
  await second.metadata.close();

  // With the two drives gone that hold the first copies, the third one serves.
  for (const slot of [0, 1]) await rename(pathOf(slot), join(base, `gone-${slot}`));
  const third = await givenMetadata({
    folder: join(base, "three"),
    specs: specs.slice(2),
    drives: specs.map(({ driveId }) => driveId),
  });
  await expectAll(third.metadata, 50);
});

test("too few members: refused in words that name what is missing, and nothing is changed", async () => {
  const { base, specs, pathOf } = await givenDrives(6);
  const first = await givenMetadata({ folder: join(base, "one"), specs });
  await write(first.metadata, 0, 5);
  await first.metadata.close();
  for (const slot of [0, 1, 2]) await rename(pathOf(slot), join(base, `away-${slot}`));
  const left = { specs: specs.slice(3), drives: specs.map(({ driveId }) => driveId) };
  await expect(givenMetadata({ folder: join(base, "two"), ...left })).rejects.toThrow(
    /2 of the 5 copies of the metadata are there, and 3 are needed.*Missing: drive .*give them back/s,
  );
  const accepted = await givenMetadata({ folder: join(base, "three"), ...left, acceptLoss: true });
  await expectAll(accepted.metadata, 5);
});

test("a replaced member counts for nothing until it has caught up, and then for one", async () => {
  const { base, specs, pathOf, format } = await givenDrives(6);
  const first = await givenMetadata({ folder: join(base, "one"), specs });
  await write(first.metadata, 0, 5);
  await first.metadata.close();
  for (const slot of [0, 1]) await rm(pathOf(slot), { recursive: true });
  for (const slot of [0, 1]) await format(slot);
  const second = await givenMetadata({ folder: join(base, "two"), specs });
  await write(second.metadata, 5, 5);
  expect(new Set(statesOf(second))).toEqual(new Set(["good"]));
  await second.metadata.close();
  // The two that have caught up and one of the old ones are a quorum.
  for (const slot of [2, 3]) await rm(pathOf(slot), { recursive: true });
  const third = await givenMetadata({
    folder: join(base, "three"),
    specs: specs.filter((_, slot) => slot !== 2 && slot !== 3),
    drives: specs.map(({ driveId }) => driveId),
  });
  await expectAll(third.metadata, 10);
});

test("F30 a row that rot has changed or hidden is found by comparing with the members, and restored", async () => {
  const { base, specs } = await givenDrives(3);
  const folder = join(base, "one");
  const plan = { toleratedCount: 1 };
  const first = await givenMetadata({ folder, specs, ...plan });
  await write(first.metadata, 0, 50, 100);
  expect(await first.metadata.compareWithMembers()).toMatchObject({ differenceCount: 0 });
  await first.metadata.close();
  const path = join(folder, "metadata.db");
  const rows = new Database(path);
  rows.exec("update settings set value = 'rotten' where name = 'name-7'");
  rows.exec("delete from settings where name = 'name-8'");
  rows.close();
  // A comparison that was killed had got as far as this.
  await mkdir(join(folder, "compare-a1b2c3"));
  await writeFile(join(folder, "compare-a1b2c3", "metadata.db"), "half of it");

  const second = await givenMetadata({ folder, specs, ...plan });
  expect((await readdir(folder)).some((name) => name.startsWith("compare-"))).toBe(false);
  expect(await second.metadata.findSetting("name-7")).toBe("rotten");
  const compared = await second.metadata.compareWithMembers();
  expect(compared).toMatchObject({ differenceCount: 2 });
  expect(compared?.differences).toEqual([
    "table settings, row name-7: the row is not what was written",
    "table settings, row name-8: the row is missing",
  ]);
  await second.metadata.restoreFromMembers();
  await expectAll(second.metadata, 50);
  await write(second.metadata, 50, 5);
  expect(await second.metadata.compareWithMembers()).toMatchObject({ differenceCount: 0 });
  expect((await readdir(folder)).some((name) => name.startsWith("metadata.db.aside-"))).toBe(true);
  expect((await readdir(folder)).some((name) => name.startsWith("compare-"))).toBe(false);
});
