// Writes through failing drives: one may fail at any moment, and the object is whole and names what is missing; with two
// the write is refused, what was there before stands, and nothing is left on any drive.

import { expect, test } from "vitest";
import { S3Error } from "../../src/core/s3-error.ts";
import { ShardError } from "../../src/datanode/shard-store.ts";
import type { DiskCall, SimEffect } from "../../src/disk/sim-fault.ts";
import type { SimDrive } from "../../src/disk/sim-drive.ts";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import {
  bodyOf,
  bytesOf,
  callsOf,
  givenStore,
  HandClock,
  type StoreLab,
} from "../support/store-lab.ts";
import { deleteKeys } from "../support/delete-keys.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const EIO: SimEffect = { kind: "error", code: "EIO" };
const HANG: SimEffect = { kind: "hang" };
const ENOSPC: SimEffect = { kind: "error", code: "ENOSPC" };

interface Phase {
  readonly calls: readonly DiskCall[];
  readonly skip?: number;
}

/** The moments of a write of several batches at which a drive may fail. */
const PHASES: Readonly<Record<string, Phase>> = {
  "creating its file": { calls: ["create"] },
  "its first append": { calls: ["append"] },
  "a later append": { calls: ["append"], skip: 1 },
  "its last append": { calls: ["append"], skip: 3 },
  "syncing its file": { calls: ["sync"] },
  "syncing its folder": { calls: ["syncDirectory"] },
};
const EFFECTS: Readonly<Record<string, SimEffect>> = { EIO, ENOSPC, hangs: HANG };
const CASES = Object.keys(PHASES).flatMap((phase) =>
  Object.keys(EFFECTS).map((effect) => [phase, effect] as const),
);

function fail(disk: SimDrive | undefined, phase: string, effect: string): void {
  const fault = PHASES[phase];
  const chosen = EFFECTS[effect];
  if (disk === undefined || fault === undefined || chosen === undefined) throw new Error("no case");
  disk.inject({ ...fault, effect: chosen });
}

test.each(CASES)("F25 F27 F36 one drive fails at %s (%s): the object is whole", async (...at) => {
  const lab = await givenStore({ limits: { writeDeadlineMs: 500 } });
  await lab.put("warm", bytesOf(20_000, 1));
  fail(lab.disks[2], ...at);
  const bytes = bytesOf(3 * MIB + 9, 2);

  const object = await lab.put("key", bytes);

  expect(object.content).toMatchObject({ set: { missing: [expect.any(Number)] } });
  expect((await lab.get("key")).equals(bytes)).toBe(true);
  // The five others are enough without that drive, and four of them without another.
  lab.disks[2]?.setOffline(true);
  lab.disks[5]?.setOffline(true);
  expect((await lab.get("key")).equals(bytes)).toBe(true);
});

test.each(CASES)("F37 two drives fail at %s (%s): refused, nothing is left", async (...at) => {
  const lab = await givenStore({ limits: { writeDeadlineMs: 500 } });
  const old = bytesOf(100_000, 1);
  await lab.put("key", old);
  const filesBefore = await lab.shardFiles();
  fail(lab.disks[1], ...at);
  fail(lab.disks[4], ...at);

  const refused = lab.put("key", bytesOf(3 * MIB + 9, 2));

  const code = at[1] === "ENOSPC" ? "InsufficientStorage" : "ServiceUnavailable";
  await expect(refused).rejects.toMatchObject({ code });
  expect((await lab.get("key")).equals(old)).toBe(true);
  for (const disk of lab.disks) disk.heal();
  await settle(lab);
  expect(await lab.shardFiles()).toEqual(filesBefore);
  await lab.put("key", bytesOf(MIB, 3));
  expect((await lab.get("key")).equals(bytesOf(MIB, 3))).toBe(true);
});

test("F36 F37 one drive away: writes go on; two: all writes get 503, reads go on; back: all is well", async () => {
  const lab = await givenStore({ clock: new HandClock() });
  const large = bytesOf(2 * MIB, 1);
  const small = bytesOf(1_000, 2);
  await lab.put("large", large);
  await lab.put("small", small);

  lab.disks[0]?.setOffline(true);
  await lab.put("large-2", large);
  await lab.put("small-2", small);

  lab.disks[3]?.setOffline(true);
  await passTime(lab);
  for (const bytes of [large, small]) {
    await expect(lab.put("refused", bytes)).rejects.toMatchObject({ code: "ServiceUnavailable" });
  }
  for (const key of ["large", "large-2"]) expect((await lab.get(key)).equals(large)).toBe(true);
  for (const key of ["small", "small-2"]) expect((await lab.get(key)).equals(small)).toBe(true);
  expect(await lab.store.findObject(lab.bucket, "refused")).toBeUndefined();

  for (const disk of lab.disks) disk.setOffline(false);
  await passTime(lab);
  const object = await lab.put("large-3", large);
  expect(object.content).toMatchObject({ set: { missing: [] } });
  await lab.put("small-3", small);
  expect((await lab.get("large-3")).equals(large)).toBe(true);
});

test("F37 the body of a write that cannot be taken is not read", async () => {
  const lab = await givenStore();
  for (const disk of lab.disks.slice(0, 2)) disk.setOffline(true);
  await passTime(lab);
  let isAsked = false;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    isAsked = true;
    yield bytesOf(MIB, 1);
  }
  const body = bodyOf(bytesOf(MIB, 1), { chunks: chunks() });
  const refused = lab.store.putObject(lab.target("key"), body);
  await expect(refused).rejects.toMatchObject({ code: "ServiceUnavailable" });
  expect(isAsked).toBe(false);
});

// Two drives with one away are read-only: there is no leeway for the loss of the other.
test.each([
  [1, 0],
  [2, 0],
  [3, 1],
  [4, 1],
  [6, 1],
  [12, 3],
])("%i drives take writes with %i away and no more", async (driveCount, spare) => {
  for (const awayCount of [spare, spare + 1]) {
    const lab = await givenStore({ driveCount });
    for (const disk of lab.disks.slice(0, awayCount)) disk.setOffline(true);
    await passTime(lab);
    const outcome = await lab.put("key", bytesOf(100_000, 1)).then(
      () => "taken",
      (error: unknown) => (error instanceof S3Error ? error.code : error),
    );
    expect(outcome).toBe(awayCount === spare ? "taken" : "ServiceUnavailable");
  }
});

test("F46 a drive that never takes its bytes is given up, and its buffers are not used again", async () => {
  const lab = await givenStore({
    limits: { writeDeadlineMs: 50 },
    wrap: (drive, position) =>
      position === 4
        ? {
            ...callsOf(drive),
            create: async (name) => {
              const writer = await drive.create(name);
              return {
                append: () => new Promise<void>(() => {}),
                finish: (chunks) => writer.finish(chunks),
                abort: () => writer.abort(),
              };
            },
          }
        : drive,
  });
  const bytes = bytesOf(9 * MIB, 1);
  const object = await lab.put("key", bytes);
  expect(object.content).toMatchObject({ set: { missing: [expect.any(Number)] } });
  expect((await lab.get("key")).equals(bytes)).toBe(true);
});

test("F46 nor when it is the disk that gave the call up, and the kernel has it still", async () => {
  const given: { readonly chunk: Uint8Array; readonly copy: Buffer }[] = [];
  const lab = await givenStore({
    wrap: (drive, position) => ({
      ...callsOf(drive),
      create: async (name) => {
        const writer = await drive.create(name);
        if (position !== 0 || given.length > 0) return writer;
        const append = async (chunks: readonly Uint8Array[]) => {
          given.push(...chunks.map((chunk) => ({ chunk, copy: Buffer.from(chunk) })));
          throw new ShardError("Unavailable", "no answer within the disk's deadline");
        };
        return { append, finish: append, abort: () => writer.abort() };
      },
    }),
  });
  for (const seed of [1, 2, 3]) await lab.put("key", bytesOf(2 * MIB, seed));
  expect(given.length).toBeGreaterThan(4);
  for (const { chunk, copy } of given) expect(copy.equals(chunk)).toBe(true);
});

test("F43 full drives refuse new bytes, and go on deleting and reading", async () => {
  const lab = await givenStore();
  const bytes = bytesOf(MIB, 1);
  await lab.put("key", bytes);
  for (const disk of lab.disks) disk.inject({ calls: ["append", "create"], effect: ENOSPC });
  const refused = lab.put("other", bytes);
  await expect(refused).rejects.toMatchObject({ code: "InsufficientStorage" });
  expect((await lab.get("key")).equals(bytes)).toBe(true);
  expect(await deleteKeys(lab.store, lab.bucket, ["key"])).toMatchObject([{ wasThere: true }]);
});

test("a metadata change of unknown outcome keeps the shards: it may have been made", async () => {
  const lab = await givenStore({ wrapMetadata: failing("putObject", new Error("gone")) });
  await expect(lab.put("key", bytesOf(MIB, 1))).rejects.toThrow("gone");
  expect(await lab.shardFiles()).toHaveLength(6);
});

test("a metadata change that was never tried leaves no shards", async () => {
  const lab = await givenStore({ wrapMetadata: failing("putObject", new S3Error("SlowDown")) });
  await expect(lab.put("key", bytesOf(MIB, 1))).rejects.toMatchObject({ code: "SlowDown" });
  expect(await lab.shardFiles()).toEqual([]);
});

/** Metadata of which one operation fails. */
function failing(name: keyof MetadataStore, error: Error) {
  return (metadata: MetadataStore): MetadataStore =>
    new Proxy(metadata, {
      get: (target, asked) => {
        if (asked === name) return () => Promise.reject(error);
        const value: unknown = Reflect.get(target, asked);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
}

/** Lets what a drive answered before count as old, so that it is asked again. */
async function passTime(lab: StoreLab): Promise<void> {
  if (lab.clock instanceof HandClock) lab.clock.nowMs += 120_000;
  await lab.store.isWritable();
}

/** Runs the collector until drives that were set aside are back and what failed writes left there is gone. */
async function settle(lab: StoreLab): Promise<void> {
  await expect
    .poll(async () => {
      await passTime(lab);
      await lab.store.collectTrash();
      return lab.store.litterCount();
    })
    .toBe(0);
}
