// Header and footer of a stored shard, read together: what is not whole, or not that shard, is found out.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import { readShardFrame } from "../../../src/datanode/read-shard.ts";
import {
  BlockSealer,
  footerOffset,
  renderShardFooters,
  renderShardHeaders,
  type ShardSetHeader,
} from "../../../src/datanode/shard-format.ts";
import type { ShardName, ShardStore } from "../../../src/datanode/shard-store.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { newName, shardErrorOf } from "../../contract/shard-store.ts";

const UNIT_BYTES = 64;

test("a whole shard tells all", async () => {
  const { store } = await givenStore();
  for (const dataBytes of [0, 1, 128, 129, 1_000]) {
    const name = newName();
    await givenWholeShard(store, name, dataBytes);
    const { header, footer } = await readShardFrame(store, name);
    expect(header).toMatchObject({ setId: name.setId, index: 0, bucket: "bucket", key: "key" });
    expect(footer).toMatchObject({ dataBytes, etag: "etag" });
  }
});

test("header and footer may be longer than what is read of them at first", async () => {
  const { store } = await givenStore();
  const key = "k".repeat(1_000);
  for (const noteBytes of [10, 3_000, 3_800, 4_000, 9_000]) {
    const name = newName();
    const userMetadata = { note: "n".repeat(noteBytes) };
    await givenWholeShard(store, name, 300, { key, userMetadata });
    const { header, footer } = await readShardFrame(store, name);
    expect(header.key).toBe(key);
    expect(footer.attributes.userMetadata).toEqual(userMetadata);
  }
});

test("F33 a shard under another's name is Corrupt", async () => {
  const { drive, store } = await givenStore();
  const [one, other] = [newName(), newName()];
  await givenWholeShard(store, one, 300);
  await drive.rename(pathOf(one), pathOf(other));
  expect(await shardErrorOf(readShardFrame(store, other))).toBe("Corrupt");
  const sibling = { ...one, index: 1 };
  await drive.rename(pathOf(other), pathOf(sibling));
  expect(await shardErrorOf(readShardFrame(store, sibling))).toBe("Corrupt");
});

test("F34 a shard of any wrong length is Corrupt", async () => {
  const { drive, store } = await givenStore();
  const name = newName();
  await givenWholeShard(store, name, 300);
  const wholeBytes = await store.size(name);
  drive.corrupt(pathOf(name), { kind: "extend", bytes: Buffer.alloc(1) });
  expect(await shardErrorOf(readShardFrame(store, name))).toBe("Corrupt");
  drive.corrupt(pathOf(name), { kind: "truncate", sizeBytes: wholeBytes });
  expect(await shardErrorOf(readShardFrame(store, name))).toBeUndefined();
  for (let sizeBytes = wholeBytes - 1; sizeBytes >= 0; sizeBytes -= 1) {
    drive.corrupt(pathOf(name), { kind: "truncate", sizeBytes });
    expect(await shardErrorOf(readShardFrame(store, name))).toBe("Corrupt");
  }
});

test("a footer that does not fit the blocks before it is Corrupt", async () => {
  const { store } = await givenStore();
  const name = newName();
  await givenWholeShard(store, name, 300, { claimedBytes: 301 + 128 });
  expect(await shardErrorOf(readShardFrame(store, name))).toBe("Corrupt");
});

function pathOf(name: ShardName): string {
  return `shards/${name.setId.slice(-2)}/${name.setId}.${name.index}`;
}

interface Wording {
  /** What the footer says of the data. */
  readonly claimedBytes?: number;
  readonly key?: string;
  readonly userMetadata?: Readonly<Record<string, string>>;
}

/** Shard 0 of a set of 2+1. */
async function givenWholeShard(
  store: ShardStore,
  name: ShardName,
  dataBytes: number,
  { claimedBytes = dataBytes, key = "key", userMetadata = {} }: Wording = {},
): Promise<void> {
  const set: ShardSetHeader = {
    clusterId: "cluster",
    setId: name.setId,
    dataShards: 2,
    parityShards: 1,
    unitBytes: UNIT_BYTES,
    bucket: "bucket",
    key,
    createdAt: 1,
  };
  const [header = Buffer.alloc(0)] = renderShardHeaders(set);
  const sealer = new BlockSealer(name.setId, 0);
  const chunks: Uint8Array[] = [header];
  let unitsBytes = 0;
  for (let at = 0; at < dataBytes; at += 2 * UNIT_BYTES) {
    const unit = randomBytes(Math.ceil(Math.min(dataBytes - at, 2 * UNIT_BYTES) / 2));
    unitsBytes += unit.length;
    chunks.push(unit, sealer.seal(unit));
  }
  const digests = Array.from({ length: 3 }, () => sealer.blockCount.toString(16).padStart(64, "0"));
  const offset = footerOffset(header.length, unitsBytes, sealer.blockCount);
  const attributes = { headers: {}, userMetadata };
  const about = { etag: "etag", checksums: [], attributes, digests, createdAt: 2 };
  const [footer = Buffer.alloc(0)] = renderShardFooters(
    name.setId,
    { ...about, dataBytes: claimedBytes },
    offset,
  );
  const writer = await store.create(name);
  await writer.append(chunks);
  await writer.finish([footer]);
}

async function givenStore(): Promise<{ drive: SimDrive; store: ShardStore }> {
  const drive = new SimDrive({ seed: 1 });
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(drive, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
  return { drive, store: await openLocalDrive({ disk: drive, driveId }) };
}
