// The contract of Disk, on a real folder and on the simulated drive.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { SimDrive } from "../../src/disk/sim-drive.ts";
import { describeDisk } from "./disk.ts";

describe.each([1, 4])("a real disk with %i calls in flight", (maxInFlight) => {
  describeDisk(async () => {
    const root = await mkdtemp(join(tmpdir(), "kintsugi-disk-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    return openRealDisk({ root, deadlineMs: 10_000, maxInFlight });
  });
});

describe("a simulated drive", () => {
  describeDisk(async () => new SimDrive({ seed: 1 }));
});
