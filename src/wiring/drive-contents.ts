// What drives hold beside their identity, found before anything is laid out or begun there.

import { DiskError, type DirectoryEntry, type Disk } from "../disk/disk.ts";
import type { PlacedSlot } from "./drive-slots.ts";
import { StartError } from "./start-error.ts";

export interface DriveContents {
  /** Any at all: a first start that was cut off has got no further than identities. */
  readonly hasAny: boolean;
  readonly hasShards: boolean;
  /** A copy of the metadata, or the metadata itself. */
  readonly hasMetadata: boolean;
}

/** Of all drives that are there, together. */
export async function contentsOf(
  disks: ReadonlyMap<string, Disk>,
  slots: readonly PlacedSlot[],
): Promise<DriveContents> {
  const present = slots.flatMap(({ path, isBlank }) => {
    const disk = path === undefined || isBlank ? undefined : disks.get(path);
    return disk === undefined ? [] : [disk];
  });
  const holds = async (folder: string): Promise<boolean> => {
    const lists = await Promise.all(present.map((disk) => disk.list(folder).catch(ifAbsent)));
    return lists.some((entries) => entries.length > 0);
  };
  const [hasShards, hasJournal, hasDatabase] = await Promise.all([
    holds("shards"),
    holds("journal"),
    holds("metadata"),
  ]);
  const hasMetadata = hasJournal || hasDatabase;
  return { hasAny: hasShards || hasMetadata, hasShards, hasMetadata };
}

function ifAbsent(error: unknown): readonly DirectoryEntry[] {
  if (error instanceof DiskError && error.code === "ENOENT") return [];
  // A drive that does not say may hold anything.
  return [{ name: "unknown", isDirectory: false }];
}

/** Beginning with nothing would hide all that the shards still tell. @throws StartError */
export function refuseWithoutMetadata(folders: readonly string[]): never {
  throw new StartError(
    "there are shards on the drives, and nothing of the metadata that names them: neither the database nor a copy. " +
      `Nothing was changed: give back what was taken away, or run kintsugi rebuild ${folders.join(" ")}, which makes the ` +
      "metadata anew from the drives. (--accept-loss on begins with nothing, and keeps the shards)",
  );
}
