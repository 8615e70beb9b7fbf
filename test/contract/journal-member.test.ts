// The contract of JournalMember, on a drive folder over the file system and over the simulated drive.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import type { DriveId } from "../../src/core/ids.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { openLocalMember } from "../../src/journal/local-member.ts";
import { LAB_SEGMENT_BYTES } from "./chain-records.ts";
import { describeJournalMember, type MemberLab } from "./journal-member.ts";

const DRIVE = "6d1f6e1a-3a0c-4b58-9a44-0000000000d1" as DriveId;

describe("a local member on a real disk", () => {
  describeJournalMember(async () => {
    const root = await mkdtemp(join(tmpdir(), "kintsugi-member-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    return openLab(openRealDisk({ root, deadlineMs: 10_000, maxInFlight: 2 }), 1_000_000);
  });
});

// With nothing read but the newest segment, older ones are taken on the word of those that follow them.
describe.each([1_000_000, 0])(
  "a local member on a simulated disk, %i bytes read",
  (readBytesMax) => {
    describeJournalMember(async () => openLab(new SimDrive({ seed: 1 }), readBytesMax));
  },
);

function openLab(disk: Disk, readBytesMax: number): MemberLab {
  const open = () =>
    openLocalMember({
      disk,
      driveId: DRIVE,
      segmentBytesMax: LAB_SEGMENT_BYTES,
      readBytesMax,
      checkPresent: async () => undefined,
    });
  let member = open();
  const reopen = async () => {
    await member.close();
    if (disk instanceof SimDrive) disk.crash("torn");
    member = open();
    return member;
  };
  onTestFinished(() => member.close());
  return { member, reopen };
}
