// The metadata in its folder: opened for this process alone, and never begun anew where there was some.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { openSqliteMetadata } from "../metadata/sqlite/open-sqlite-metadata.ts";
import type { Clock } from "../util/clock.ts";
import { findForbidden } from "./check-access.ts";
import { errnoOf } from "./explain-failure.ts";
import type { CloseStack } from "./close-stack.ts";
import type { FirstDrive } from "./open-drives.ts";
import { StartError } from "./start-error.ts";

/** Below the folder of the first drive, or of a gateway. */
export const METADATA_FOLDER = "metadata";
/** The setting that names the cluster. */
export const CLUSTER_ID = "cluster.id";

/**
 * The metadata on the first drive of an embedded server.
 * @throws StartError when it is in use, lost, or another cluster's.
 */
export async function openDriveMetadata(
  first: FirstDrive,
  clock: Clock,
  closeStack: CloseStack,
): Promise<MetadataStore> {
  const folder = join(first.path, METADATA_FOLDER);
  if (!first.isNew && (await isAbsent(folder))) throw lostMetadata(folder);
  const metadata = await openMetadata(folder, clock, closeStack);
  const clusterId = await first.readClusterId();
  const standing = first.isNew
    ? await metadata.ensureSetting(CLUSTER_ID, clusterId)
    : await metadata.findSetting(CLUSTER_ID);
  if (standing === undefined) throw lostMetadata(folder);
  if (standing !== clusterId) {
    throw new StartError(`${folder} is the metadata of another cluster. Nothing was changed`);
  }
  return metadata;
}

function lostMetadata(folder: string): StartError {
  return new StartError(
    `the metadata that was in ${folder} is gone: without it the drives' contents have no names. ` +
      "Nothing was changed; give it back, or name empty folders to begin anew",
  );
}

async function isAbsent(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (errnoOf(error)?.code === "ENOENT") return true;
    throw error;
  }
}

/** @throws StartError when it cannot be opened, or another process has it. */
export async function openMetadata(
  folder: string,
  clock: Clock,
  closeStack: CloseStack,
): Promise<MetadataStore> {
  try {
    const metadata = await openSqliteMetadata({ folder, clock });
    closeStack.add(() => metadata.close());
    return metadata;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const fallback = new StartError(`the metadata cannot be opened: ${words}`, { cause: error });
    throw (await findForbidden(folder)) ?? fallback;
  }
}
