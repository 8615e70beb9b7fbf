// A group of members in memory, all of which have begun a chain.

import { onTestFinished } from "vitest";
import type { DriveId } from "../../src/core/ids.ts";
import { CHAIN_START } from "../../src/journal/journal-member.ts";
import { MemberGroup } from "../../src/metadata/members/member-group.ts";
import { authority, LAB_CLUSTER } from "../contract/chain-records.ts";
import { MemberDisk, MemoryMember } from "./memory-member.ts";

export interface MemberGroupOptions {
  readonly count: number;
  /** Before each call of the member in that slot; may wait, or throw. */
  readonly beforeCall: (name: string, slot: number) => Promise<void>;
  readonly retryMs?: number;
}

export interface GivenMemberGroup {
  readonly group: MemberGroup;
  readonly disks: readonly MemberDisk[];
  readonly members: readonly MemoryMember[];
}

/** Ends with the test. */
export async function givenMemberGroup(options: MemberGroupOptions): Promise<GivenMemberGroup> {
  const { count, beforeCall, retryMs } = options;
  const disks = Array.from({ length: count }, () => new MemberDisk());
  const members = disks.map(
    (disk, slot) => new MemoryMember(slotId(slot), disk, (name) => beforeCall(name, slot)),
  );
  const group = new MemberGroup({
    authority: authority(1),
    clusterId: LAB_CLUSTER,
    roster: {
      members: disks.map((_, slot) => slotId(slot)),
      toleratedCount: Math.floor(count / 2),
    },
    position: CHAIN_START,
    recordBytes: 0,
    onReport: () => undefined,
    retryMs,
  });
  onTestFinished(() => group.end());
  for (const member of members) {
    await member.promise(authority(1));
    await member.truncate(authority(1), CHAIN_START, LAB_CLUSTER);
    group.add(member, await member.inspect());
  }
  return { group, disks, members };
}

export function slotId(slot: number): DriveId {
  return `6d1f6e1a-3a0c-4b58-9a44-00000000000${slot}` as DriveId;
}
