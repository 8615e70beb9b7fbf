// Whether the metadata may be trusted to say that a shard is nobody's. Metadata that is older than what the drives hold
// copies of does not know of newer sets: nothing is removed on its word, and nothing on a drive whose own copy is not
// known to belong to it.

import type { DriveId } from "../core/ids.ts";
import type { JournalReport, MetadataStore } from "../metadata/metadata-store.ts";

/** Why nothing may be swept now, in a sentence; undefined when it may. */
export function findRefusal(metadata: MetadataStore): string | undefined {
  if (!metadata.isWritable()) return "the metadata takes no writes";
  const report = metadata.journalReport();
  if (report === undefined) return undefined;
  const newer = report.members.find(({ sequence }) => sequence > report.sequence);
  if (newer !== undefined) {
    return `the copy of the metadata on ${newer.label} is newer than the metadata in use`;
  }
  const goodCount = report.members.filter(({ state }) => state === "good").length;
  if (goodCount >= report.quorum) return undefined;
  return `${goodCount} copies of the metadata are up to date, and it takes ${report.quorum}`;
}

/** Whether a drive holds no copy of the metadata, or one that is known to be up to date. */
export function isUpToDate(report: JournalReport | undefined, driveId: DriveId): boolean {
  const member = report?.members.find((each) => each.driveId === driveId);
  return member === undefined || member.state === "good";
}
