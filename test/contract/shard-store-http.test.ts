// The contract of ShardStore, on a drive of a data node over HTTP on loopback.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { driveOf, givenClient, givenLocalDrive, givenNode } from "../support/data-node.ts";
import { describeShardStore } from "./shard-store.ts";

describe("a drive of a data node, on a simulated disk", () => {
  describeShardStore(async () => driveOf(await givenClient((await givenNode()).url)));
});

describe("a drive of a data node, on a real disk", () => {
  describeShardStore(async () => {
    const root = await mkdtemp(join(tmpdir(), "kintsugi-node-"));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const drive = await givenLocalDrive(openRealDisk({ root, deadlineMs: 10_000, maxInFlight: 2 }));
    const node = await givenNode({ drives: [drive] });
    return driveOf(await givenClient(node.url));
  });
});
