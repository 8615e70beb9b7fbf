// Where backups go, and come from: a folder, or s3://BUCKET/PREFIX, with keys and endpoint under the names that every other
// client of S3 takes them by.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Backup } from "../backup/backup-files.ts";
import { fetchBackup, sendBackup } from "../backup/remote-backups.ts";
import { S3Folder } from "../backup/s3-folder.ts";
import { UsageError } from "../config/usage-error.ts";

const SCHEME = "s3://";
const REGION = "us-east-1";

type Environment = Readonly<Record<string, string | undefined>>;

export function isRemote(place: string): boolean {
  return place.startsWith(SCHEME);
}

/** Makes a backup in a folder, and brings it where it is wanted. Resolves to it, and to what the copy is called there. */
export async function backupTo(
  to: string,
  env: Environment,
  make: (folder: string) => Promise<Backup>,
): Promise<{ readonly backup: Backup; readonly name: string }> {
  if (!isRemote(to)) {
    const backup = await make(to);
    return { backup, name: backup.path };
  }
  const remote = remoteOf(to, env);
  return withFolder(async (folder) => {
    const backup = await make(folder);
    return { backup, name: await sendBackup(remote, backup) };
  });
}

/** Calls `restore` with a folder of backups, or the description of one, on this machine. */
export async function restoreFrom<Value>(
  { from, until }: { readonly from: string; readonly until: number | undefined },
  env: Environment,
  restore: (from: string) => Promise<Value>,
): Promise<Value> {
  if (!isRemote(from)) return restore(from);
  const name = from.endsWith(".json") ? basename(from) : undefined;
  const remote = remoteOf(name === undefined ? from : from.slice(0, -name.length), env);
  return withFolder(async (to) => {
    await fetchBackup(remote, { until, name, to });
    return restore(name === undefined ? to : join(to, name));
  });
}

async function withFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-backup-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws UsageError */
function remoteOf(url: string, env: Environment): S3Folder {
  const [bucket = "", ...rest] = url.slice(SCHEME.length).split("/");
  if (bucket === "") throw new UsageError(`${url} names no bucket: s3://BUCKET/PREFIX is meant`);
  const accessKey = env["AWS_ACCESS_KEY_ID"];
  const secretKey = env["AWS_SECRET_ACCESS_KEY"];
  if (accessKey === undefined || secretKey === undefined) {
    throw new UsageError(
      "a backup in a bucket takes its keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and its endpoint from AWS_ENDPOINT_URL",
    );
  }
  const region = env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? REGION;
  const endpoint =
    env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"] ?? `https://s3.${region}.amazonaws.com`;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    throw new UsageError(`AWS_ENDPOINT_URL is no http or https URL: ${endpoint}`);
  }
  const prefix = rest.filter((part) => part !== "").join("/");
  const place = { endpoint, region, bucket, prefix };
  return new S3Folder(place, { accessKey, secretKey, sessionToken: env["AWS_SESSION_TOKEN"] });
}
