// How a member is reached, as plain data: the writer, and the thread that takes snapshots, open members of their own.

import type { DriveId } from "../../core/ids.ts";
import { readIdentity } from "../../datanode/drive-identity.ts";
import type { RemoteMemberSpec } from "../../datanode/remote-member.ts";
import { openRealDisk } from "../../disk/real-disk.ts";
import type { JournalMember } from "../../journal/journal-member.ts";
import { openLocalMember } from "../../journal/local-member.ts";

/** A drive folder of this machine. */
export interface FolderMemberSpec {
  readonly kind: "folder";
  readonly driveId: DriveId;
  /** Absolute path of the drive. */
  readonly path: string;
}

export type MemberSpec = FolderMemberSpec | RemoteMemberSpec;

/** After so long a file call counts as failed. */
const DISK_DEADLINE_MS = 10_000;
/** An append and a read beside it. */
const CALLS_MAX = 2;

export async function openMember(spec: MemberSpec): Promise<JournalMember> {
  if (spec.kind === "node") {
    // Only a gateway needs the HTTP client.
    const { openRemoteMember } = await import("../../datanode/remote-member.ts");
    return openRemoteMember(spec);
  }
  const { driveId, path } = spec;
  const disk = openRealDisk({ root: path, deadlineMs: DISK_DEADLINE_MS, maxInFlight: CALLS_MAX });
  const checkPresent = async (): Promise<void> => {
    const identity = await readIdentity(disk);
    if (identity?.driveId !== driveId) throw new Error(`${path} is not the drive ${driveId}`);
  };
  return openLocalMember({ disk, driveId, label: path, checkPresent });
}
