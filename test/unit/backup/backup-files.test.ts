// Backups as files: which one is taken for a time, and that changed bytes, descriptions and names elsewhere are refused.

import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findBackup, makeBackup } from "../../../src/backup/backup-files.ts";
import { DraftDatabase } from "../../../src/metadata/sqlite/rebuild/draft-database.ts";
import { atEnd } from "../../support/at-end.ts";

async function givenBackups() {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-backup-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const databasePath = join(folder, "metadata.db");
  const draft = new DraftDatabase(databasePath);
  const setting = { name: "cluster.id", value: "the cluster" };
  await draft.apply([{ name: "ensureSetting", input: setting }], 1);
  await draft.finish();
  const to = join(folder, "backups");
  const make = (nowMs: number) =>
    makeBackup({ databasePath, to, clusterSetting: "cluster.id", nowMs });
  return { folder, to, make };
}

test("the newest backup is taken, or the newest before a time", async () => {
  const { to, make } = await givenBackups();
  const made = [await make(1_000_000), await make(2_000_000), await make(3_000_000)];
  expect(made[0]).toMatchObject({ clusterId: "the cluster", sequence: 0 });
  expect((await findBackup(to, undefined)).at).toBe(3_000_000);
  expect((await findBackup(to, 2_500_000)).at).toBe(2_000_000);
  expect((await findBackup(to, 2_000_000)).at).toBe(2_000_000);
  await expect(findBackup(to, 999_999)).rejects.toThrow(/none from before that time/);
  const path = made[1]?.path.replace(/db$/, "json") ?? "";
  expect((await findBackup(path, undefined)).at).toBe(2_000_000);
});

test("bytes or descriptions that are not what was written are refused", async () => {
  const { folder, to, make } = await givenBackups();
  const { path } = await make(1_000_000);
  const bytes = await readFile(path);
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(5_000) ^ 1, 5_000);
  await writeFile(path, flipped);
  await expect(findBackup(to, undefined)).rejects.toThrow(/its digest is another one/);
  await truncate(path, 100);
  await expect(findBackup(to, undefined)).rejects.toThrow(/its digest is another one/);
  await writeFile(path, bytes);
  await findBackup(to, undefined);
  const described = path.replace(/db$/, "json");
  const text = await readFile(described, "utf8");
  await writeFile(described, text.replace('"at":1000000', '"at":1000001'));
  await expect(findBackup(to, undefined)).rejects.toThrow(/checksum does not match/);
  await expect(findBackup(join(folder, "nowhere"), undefined)).rejects.toThrow(/cannot be read/);
  await expect(findBackup(folder, undefined)).rejects.toThrow(/holds no backup/);
});

test("a second backup of the same second and change leaves the first as it was, and nothing else is left", async () => {
  const { to, make } = await givenBackups();
  const { path } = await make(1_000_000);
  const before = await readFile(path);
  await expect(make(1_000_001)).rejects.toMatchObject({ code: "EEXIST" });
  expect((await readFile(path)).equals(before)).toBe(true);
  expect(await findBackup(to, undefined)).toMatchObject({ at: 1_000_000 });
  expect((await readdir(to)).length).toBe(2);
});

test("nobody but its owner reads a backup", async () => {
  const { to, make } = await givenBackups();
  const { path } = await make(1_000_000);
  for (const each of [to, path, path.replace(/db$/, "json")]) {
    expect((await stat(each)).mode & 0o077).toBe(0);
  }
});
