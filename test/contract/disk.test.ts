// The contract of Disk, on a real folder and on the simulated drive.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, onTestFinished } from "vitest";
import { usePageCache } from "../../src/disk/cached-read.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { IN_MEMORY_FOLDER } from "../support/in-memory.ts";
import { describeDisk } from "./disk.ts";

describe.each([1, 4])("a real disk with %i calls in flight", (maxInFlight) => {
  describeDisk(() => givenFolder(tmpdir(), maxInFlight));
});

describe("a real disk, what is in the page cache read without a thread", () => {
  beforeAll(usePageCache);
  describeDisk(() => givenFolder(tmpdir(), 4));
});

describe.skipIf(IN_MEMORY_FOLDER === undefined)("a folder in memory", () => {
  describeDisk(() => givenFolder(IN_MEMORY_FOLDER ?? "", 4));
});

describe("a simulated drive", () => {
  describeDisk(async () => new SimDrive({ seed: 1 }));
});

async function givenFolder(parent: string, maxInFlight: number): Promise<Disk> {
  const root = await mkdtemp(join(parent, "kintsugi-disk-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return openRealDisk({ root, deadlineMs: 10_000, maxInFlight });
}
