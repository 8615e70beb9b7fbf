// A data node on loopback whose drive, on a simulated disk, is a member of the metadata, and a member that reaches it.

import { readIdentity } from "../../src/datanode/drive-identity.ts";
import type { DriveJournal } from "../../src/datanode/node-journal.ts";
import { openRemoteMember, type RemoteMemberOptions } from "../../src/datanode/remote-member.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { openLocalMember } from "../../src/journal/local-member.ts";
import type { JournalMember } from "../../src/journal/journal-member.ts";
import { atEnd } from "./at-end.ts";
import { CLUSTER_SECRET, givenLocalDrive, givenNode, type RunningNode } from "./data-node.ts";

export interface MemberNode {
  readonly node: RunningNode;
  readonly disk: Disk;
  /** The drive's own, behind the node. */
  readonly member: JournalMember;
}

export interface MemberNodeOptions extends Pick<DriveJournal, "readPromised"> {
  readonly disk?: Disk;
}

export async function givenMemberNode(options: MemberNodeOptions = {}): Promise<MemberNode> {
  const { disk = new SimDrive({ seed: 1 }), readPromised } = options;
  const drive = await givenLocalDrive(disk);
  const { driveId } = drive;
  const checkPresent = async (): Promise<void> => {
    if ((await readIdentity(disk))?.driveId !== driveId) throw new Error("the drive is away");
  };
  const member = openLocalMember({ disk, driveId, checkPresent });
  atEnd(() => member.close());
  const node = await givenNode({ drives: [drive], journals: [{ member, readPromised }] });
  return { node, disk, member };
}

/** The node's drive as a gateway reaches it. */
export function givenRemoteMember(
  { url, drives }: Pick<RunningNode, "drives" | "url">,
  options: RemoteMemberOptions = {},
): JournalMember {
  const [drive] = drives;
  if (drive === undefined) throw new Error("the node has no drive");
  const { driveId } = drive;
  const spec = {
    kind: "node",
    url,
    secret: CLUSTER_SECRET,
    driveId,
    label: `${url} drive`,
  } as const;
  const member = openRemoteMember(spec, { retryMs: 20, ...options });
  atEnd(() => member.close());
  return member;
}
