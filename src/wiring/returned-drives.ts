// Drives that are older than the one that took their place: a disk that was away was given a blank one in its stead, that
// was filled, and now the former is back. It lacks what was written meanwhile, and no note says so, for the other one had it.

import type { MetadataStore } from "../metadata/metadata-store.ts";
import { findWalked, type RenewedDrive } from "../repair/renewed-drives.ts";
import type { OpenedDrives } from "./open-drives.ts";

/** Drives that are to be walked over: those that were laid out anew, and those that are back. */
export async function drivesToWalk(
  metadata: Pick<MetadataStore, "findProgress">,
  { ages, renewed }: Pick<OpenedDrives, "ages" | "renewed">,
): Promise<readonly RenewedDrive[]> {
  const others = ages.filter((drive) => !renewed.some(({ driveId }) => driveId === drive.driveId));
  const back = await Promise.all(
    others.map(async (drive) => {
      const walked = await findWalked(metadata, drive.driveId);
      return walked === undefined || walked === drive.createdAt ? [] : [drive];
    }),
  );
  return [...renewed, ...back.flat()];
}
