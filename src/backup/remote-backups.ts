// Backups in a bucket: the same pairs of files as in a folder, the description last.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BackupError } from "./backup-error.ts";
import { DESCRIPTION, readDescription, type Backup } from "./backup-files.ts";
import type { S3Folder } from "./s3-folder.ts";

/** Resolves to the URL of the copy. @throws BackupError */
export async function sendBackup(remote: S3Folder, backup: Backup): Promise<string> {
  const { path, sizeBytes, fileDigest: digest } = backup;
  const name = basename(path);
  await remote.put(name, { path, sizeBytes, digest });
  const described = path.replace(/db$/, "json");
  const bytes = await readFile(described);
  const file = { path: described, sizeBytes: bytes.length, digest: digestOf(bytes) };
  await remote.put(basename(described), file);
  return remote.urlOf(name);
}

/**
 * Brings the newest backup that is not younger than `until`, or the one of that name, into a folder; its bytes are checked by
 * whoever finds it there.
 * @throws BackupError in words
 */
export async function fetchBackup(
  remote: S3Folder,
  {
    until,
    name,
    to,
  }: {
    readonly until: number | undefined;
    readonly name?: string | undefined;
    readonly to: string;
  },
): Promise<void> {
  const all =
    name === undefined ? (await remote.list()).filter((each) => DESCRIPTION.test(each)) : [name];
  if (all.length === 0) throw new BackupError(`${remote.urlOf("")} holds no backup of metadata`);
  // Their names begin with their time, to the second.
  for (const each of all.toSorted().toReversed()) {
    if (until !== undefined && name === undefined && stampOf(each) > until) continue;
    const path = join(to, each);
    await remote.get(each, path);
    const backup = await readDescription(path);
    if (until !== undefined && name === undefined && backup.at > until) continue;
    await remote.get(basename(backup.path), join(dirname(path), basename(backup.path)));
    return;
  }
  throw new BackupError(`${remote.urlOf("")} holds no backup from before that time`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Milliseconds since 1970. */
function stampOf(name: string): number {
  const [, day = "", time = ""] = /^metadata-(\d{8})T(\d{6})Z/.exec(name) ?? [];
  const date = day.replace(/^(\d{4})(\d\d)/, "$1-$2-");
  return Date.parse(`${date}T${time.replace(/^(\d\d)(\d\d)/, "$1:$2:")}Z`);
}
