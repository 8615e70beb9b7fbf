// Whether a folder may become a drive of a server that runs: blank, apart from all drives, and ours to write to. Nothing here
// writes.

import { stat } from "node:fs/promises";
import { isAbsolute, resolve, sep } from "node:path";
import { AdminError } from "../admin/admin-error.ts";
import type { DriveId } from "../core/ids.ts";
import { DriveIdentityError, readIdentity } from "../datanode/drive-identity.ts";
import { DiskError } from "../disk/disk.ts";
import { openRealDisk } from "../disk/real-disk.ts";
import type { LayoutOperations } from "../store/layout/layout-operations.ts";
import { checkMayMake } from "./check-access.ts";
import type { LocalDrives } from "./local-drives.ts";
import { StartError } from "./start-error.ts";

const LOOK_DEADLINE_MS = 10_000;

interface KnownParts {
  readonly local: LocalDrives;
  readonly store: Pick<LayoutOperations, "layoutState">;
}

/**
 * Resolves to the drive that it is already, where it was laid out and the server ended before it took it in.
 * @throws AdminError in words when it may not become one
 */
export async function requireBlank(
  { local, store }: KnownParts,
  folder: string,
): Promise<DriveId | undefined> {
  if (!isAbsolute(folder) || resolve(folder) !== folder) {
    throw refusal(`${folder} is no absolute path`);
  }
  const disk = openRealDisk({ root: folder, deadlineMs: LOOK_DEADLINE_MS, maxInFlight: 1 });
  const identity = await inWords(() => readIdentity(disk));
  if (identity === undefined) {
    await requireApart(local, folder);
    await inWords(() => checkMayMake(folder));
    return undefined;
  }
  const { clusterId, driveId } = identity;
  const isOurs = clusterId === local.clusterId;
  const known = local.all.find((drive) => drive.driveId === driveId);
  const isNamed = store.layoutState().live.some(({ drives }) => drives.includes(driveId));
  if (isOurs && known !== undefined && !isNamed && !known.isLeaving) return driveId;
  throw refusal(
    isOurs && known !== undefined
      ? `${folder} is a drive of this cluster already`
      : `${folder} is, or was, a drive of ${isOurs ? "this" : "another"} cluster. Empty it first if nothing on it is needed`,
  );
}

/** No drive within another, and none by two names. */
async function requireApart({ places }: LocalDrives, folder: string): Promise<void> {
  const own = await stat(folder).catch(() => undefined);
  for (const { path } of places) {
    if (folder.startsWith(path + sep) || path.startsWith(folder + sep)) {
      throw refusal(`${folder} and the drive ${path} lie one within the other`);
    }
    const other = await stat(path).catch(() => undefined);
    if (own !== undefined && own.dev === other?.dev && own.ino === other.ino) {
      throw refusal(`${folder} and the drive ${path} are the same folder`);
    }
  }
}

export function refusal(words: string): AdminError {
  return new AdminError(409, "DriveChangeRefused", words);
}

/** What was found is told to whoever asked. */
export async function inWords<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const isKnown =
      error instanceof DriveIdentityError ||
      error instanceof StartError ||
      error instanceof DiskError;
    throw isKnown ? refusal(error.message) : error;
  }
}
