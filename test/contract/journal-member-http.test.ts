// The contract of JournalMember, on a drive of a data node over HTTP on loopback.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import type { Disk } from "../../src/disk/disk.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { openLocalMember } from "../../src/journal/local-member.ts";
import { givenLocalDrive, givenNode } from "../support/data-node.ts";
import { givenRemoteMember } from "../support/member-node.ts";
import { LAB_SEGMENT_BYTES } from "./chain-records.ts";
import { describeJournalMember, type MemberLab } from "./journal-member.ts";

describe("a member on a data node, on a simulated disk", () => {
  describeJournalMember(() => openLab(new SimDrive({ seed: 1 })));
});

describe("a member on a data node, on a real disk", () => {
  describeJournalMember(async () => {
    const root = await mkdtemp(join(tmpdir(), "kintsugi-member-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    return openLab(openRealDisk({ root, deadlineMs: 10_000, maxInFlight: 2 }));
  });
});

const checkPresent = async (): Promise<void> => undefined;

async function openLab(disk: Disk): Promise<MemberLab> {
  const drive = await givenLocalDrive(disk);
  const { driveId } = drive;
  const start = async () => {
    const segmentBytesMax = LAB_SEGMENT_BYTES;
    const local = openLocalMember({ disk, driveId, segmentBytesMax, checkPresent });
    onTestFinished(() => local.close());
    const node = await givenNode({
      nodeId: "node",
      drives: [drive],
      journals: [{ member: local }],
    });
    return { local, node, member: givenRemoteMember(node) };
  };
  let running = await start();
  const reopen = async () => {
    await running.member.close();
    await running.node.server.close(0);
    await running.local.close();
    if (disk instanceof SimDrive) disk.crash("torn");
    running = await start();
    return running.member;
  };
  return { member: running.member, reopen };
}
