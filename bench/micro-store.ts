// The object store alone, without HTTP, signatures or SQLite: how fast bytes go into shards and come back out, on six
// real drive folders. `npx tsx bench/micro-store.ts [FOLDER]`; the folder (a temporary one by default) takes about 1 GiB.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountId } from "../src/core/ids.ts";
import { formatDrive, newDriveId } from "../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../src/datanode/local-drive.ts";
import type { ShardStore } from "../src/datanode/shard-store.ts";
import { openRealDisk } from "../src/disk/real-disk.ts";
import { callsInFlightMax } from "../src/disk/call-bound.ts";
import { createReedSolomonCodec } from "../src/erasure/rs-codec.ts";
import { openMemoryMetadata } from "../src/metadata/memory/open-memory-metadata.ts";
import { openObjectStore, type OpenObjectStore } from "../src/store/open-object-store.ts";
import { realClock } from "../src/util/clock.ts";

const MIB = 1024 * 1024;
const DRIVES = 6;
const CONNECTIONS = 16;
const CHUNK_BYTES = 64 * 1024;
const OWNER = { id: "owner" as AccountId, name: "owner", displayName: "owner", email: undefined };

async function openDrive(root: string): Promise<ShardStore> {
  const maxInFlight = callsInFlightMax({ toleratedCount: 2 });
  const disk = openRealDisk({ root, deadlineMs: 30_000, maxInFlight });
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "bench", driveId, slot: 0, slots, createdAt: 0 });
  return openLocalDrive({ disk, driveId });
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Runs `task` so many times, a few at a time, and prints what that makes a second. */
async function measure(
  name: string,
  count: number,
  sizeBytes: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < count) {
        next += 1;
        await task(next - 1);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const mibs = (count * sizeBytes) / MIB / seconds;
  const cpuMs = (cpu.user + cpu.system) / 1000 / count;
  const rate = `${(count / seconds).toFixed(0)}/s ${mibs.toFixed(0)} MiB/s`;
  console.log(`${name.padEnd(16)} ${rate.padEnd(24)} ${cpuMs.toFixed(2)} ms CPU each`);
}

async function run(store: OpenObjectStore): Promise<void> {
  const bucket = await store.createBucket({ name: "bench", owner: OWNER, region: "us-east-1" });
  const target = (key: string) => ({
    bucket,
    key,
    ownerId: OWNER.id,
    storageClass: "STANDARD",
    attributes: { headers: {}, userMetadata: {} },
    tags: [],
    acl: undefined,
    lock: { retention: undefined, legalHold: undefined },
    encryption: undefined,
  });
  for (const [name, sizeBytes, count] of [
    ["16 MiB", 16 * MIB, 48],
    ["1 MiB", MIB, 300],
    ["64 KiB", 64 * 1024, 1_000],
    ["4 KiB", 4 * 1024, 5_000],
  ] as const) {
    const bytes = Buffer.alloc(sizeBytes, name);
    await measure(`PUT ${name}`, count, sizeBytes, async (index) => {
      const body = {
        sizeBytes,
        chunks: chunksOf(bytes),
        expectedMd5: undefined,
        checksums: () => [],
      };
      await store.putObject(target(`${name}-${index}`), body);
    });
    await measure(`GET ${name}`, count * 4, sizeBytes, async (index) => {
      const reading = await store.openObject(bucket, `${name}-${index % count}`);
      for await (const window of reading?.read(0, sizeBytes) ?? []) window.release();
    });
  }
}

const base = await mkdtemp(join(process.argv[2] ?? tmpdir(), "kintsugi-bench-"));
try {
  const drives = await Promise.all(
    Array.from({ length: DRIVES }, (_, index) => openDrive(join(base, `drive-${index + 1}`))),
  );
  const store = await openObjectStore({
    metadata: openMemoryMetadata(),
    drives,
    codec: createReedSolomonCodec(),
    clock: realClock,
    clusterId: "bench",
  });
  await run(store);
  await store.close();
} finally {
  await rm(base, { recursive: true, force: true });
}
