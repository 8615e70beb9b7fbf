// Backups in a bucket of a server that is one: they come back as they were, the newest before a time; nothing is written
// over, and refusals are told in the server's words.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findBackup, makeBackup } from "../../../src/backup/backup-files.ts";
import { fetchBackup, sendBackup } from "../../../src/backup/remote-backups.ts";
import { S3Folder } from "../../../src/backup/s3-folder.ts";
import { startServer } from "../../../src/index.ts";
import { DraftDatabase } from "../../../src/metadata/sqlite/rebuild/draft-database.ts";
import { backupTo, restoreFrom } from "../../../src/wiring/backup-place.ts";
import { atEnd } from "../../support/at-end.ts";

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-remote-"));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function givenRemote(prefix: string) {
  const server = await startServer({ buckets: ["backups"] });
  atEnd(() => server.stop());
  const databasePath = join(await givenFolder(), "metadata.db");
  const draft = new DraftDatabase(databasePath);
  const input = { name: "cluster.id", value: "the cluster" };
  await draft.apply([{ name: "ensureSetting", input }], 1);
  await draft.finish();
  const { endpoint, accessKey, secretKey } = server;
  const place = { endpoint, region: "us-east-1", bucket: "backups", prefix };
  const key = { accessKey, secretKey, sessionToken: undefined };
  const make = (to: string, nowMs: number) =>
    makeBackup({ databasePath, to, clusterSetting: "cluster.id", nowMs });
  return { server, remote: new S3Folder(place, key), place, key, make };
}

test.each(["", "a b/ü+('x')"])("below %j the newest before a time comes back", async (prefix) => {
  const { remote, make } = await givenRemote(prefix);
  const made = [];
  for (const nowMs of [1_000_000, 2_000_500, 3_000_000]) {
    const backup = await make(await givenFolder(), nowMs);
    made.push(backup);
    expect(await sendBackup(remote, backup)).toMatch(/^s3:\/\/backups\/.*metadata-.*\.db$/);
  }
  const [, second] = made;
  if (second === undefined) throw new Error("there are three");
  await expect(sendBackup(remote, second)).rejects.toThrow(/PreconditionFailed/);
  for (const [until, at] of [
    [undefined, 3_000_000],
    [2_999_999, 2_000_500],
    // Of the same second, and younger.
    [2_000_400, 1_000_000],
  ] as const) {
    const to = await givenFolder();
    await fetchBackup(remote, { until, to });
    const found = await findBackup(to, until);
    expect(found).toMatchObject({ at, clusterId: "the cluster" });
  }
  await expect(fetchBackup(remote, { until: 1, to: await givenFolder() })).rejects.toThrow(
    /no backup from before that time/,
  );
});

test("a wrong secret, a bucket that is not there, and no server are told in words", async () => {
  const { server, place, key, make } = await givenRemote("x");
  const backup = await make(await givenFolder(), 1_000_000);
  const wrong = new S3Folder(place, { ...key, secretKey: "another" });
  await expect(sendBackup(wrong, backup)).rejects.toThrow(/SignatureDoesNotMatch/);
  const nowhere = new S3Folder({ ...place, bucket: "nowhere" }, key);
  await expect(sendBackup(nowhere, backup)).rejects.toThrow(/NoSuchBucket/);
  const empty = fetchBackup(new S3Folder(place, key), {
    until: undefined,
    to: await givenFolder(),
  });
  await expect(empty).rejects.toThrow(/holds no backup/);
  await server.stop();
  await expect(sendBackup(new S3Folder(place, key), backup)).rejects.toThrow(/cannot be asked/);
});

test("keys and endpoint are those of the environment, and nothing is left on this machine", async () => {
  const { server, make } = await givenRemote("");
  const { accessKey, secretKey } = server;
  const env = {
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_ENDPOINT_URL: server.endpoint,
  };
  let local = "";
  const to = "s3://backups/nightly/";
  const { name } = await backupTo(to, env, (folder) => make((local = folder), 1_000_000));
  expect(name).toBe("s3://backups/nightly/metadata-19700101T001640Z-0.db");
  await expect(readdir(local)).rejects.toMatchObject({ code: "ENOENT" });
  const at = await restoreFrom({ from: to, until: undefined }, env, async (folder) => {
    local = folder;
    return (await findBackup(folder, undefined)).at;
  });
  expect(at).toBe(1_000_000);
  await expect(readdir(local)).rejects.toMatchObject({ code: "ENOENT" });
  const one = name.replace(/db$/, "json");
  const named = await restoreFrom({ from: one, until: undefined }, env, (path) =>
    findBackup(path, undefined),
  );
  expect(named.at).toBe(1_000_000);
  const keyless = backupTo(to, {}, (folder) => make(folder, 1));
  await expect(keyless).rejects.toThrow(/AWS_ACCESS_KEY_ID/);
  await expect(backupTo("s3://", env, (folder) => make(folder, 1))).rejects.toThrow(
    /names no bucket/,
  );
});
