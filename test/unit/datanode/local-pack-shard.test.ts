// A pack's shard on a simulated drive: what an append has promised survives a power cut, and after an error nothing is
// appended.

import { expect, test } from "vitest";
import { formatDrive, newDriveId } from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";
import { newName, readShard, shardErrorOf } from "../../contract/shard-store.ts";

async function givenDrive(): Promise<{
  readonly disk: SimDrive;
  readonly store: ShardStore;
  readonly reopen: () => Promise<ShardStore>;
}> {
  const disk = new SimDrive({ seed: 1 });
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  await formatDrive(disk, { clusterId: "cluster", driveId, slot: 0, slots, createdAt: 0 });
  const reopen = (): Promise<ShardStore> => openLocalDrive({ disk, driveId });
  return { disk, store: await reopen(), reopen };
}

test("F20 what an append has acknowledged survives a power cut, the file's name too", async () => {
  const { disk, store, reopen } = await givenDrive();
  const name = newName();
  const pack = await store.createPack(name);
  await pack.append(0, [Buffer.from("first")]);
  await pack.append(5, [Buffer.from("second")]);
  disk.crash("lost");
  const again = await reopen();
  expect((await readShard(again, name, 0, 11)).toString()).toBe("firstsecond");
  expect(await shardErrorOf(pack.append(11, [Buffer.from("x")]))).toBe("Unavailable");
  expect(await again.size(name)).toBe(11);
});

test.each(["append", "sync"] as const)(
  "F25 after a failed %s nothing is appended any more",
  async (call) => {
    const { disk, store } = await givenDrive();
    const name = newName();
    const pack = await store.createPack(name);
    await pack.append(0, [Buffer.from("first")]);
    disk.inject({ calls: [call], effect: { kind: "error", code: "EIO" } });
    expect(await shardErrorOf(pack.append(5, [Buffer.from("second")]))).toBe("Unavailable");
    disk.heal();
    expect(await shardErrorOf(pack.append(5, [Buffer.from("second")]))).toBe("Unavailable");
    expect(await shardErrorOf(pack.append(11, [Buffer.from("second")]))).toBe("Unavailable");
    await pack.close();
    expect((await readShard(store, name, 0, 5)).toString()).toBe("first");
  },
);

test("F27 a pack whose name could not be made durable takes nothing", async () => {
  const { disk, store } = await givenDrive();
  const name = newName();
  await (await store.createPack(newName())).close();
  const effect = { kind: "error", code: "EIO" } as const;
  disk.inject({ calls: ["syncDirectory"], pathPrefix: `shards/${name.setId.slice(-2)}`, effect });
  const pack = await store.createPack(name);
  expect(await shardErrorOf(pack.append(0, [Buffer.from("first")]))).toBe("Unavailable");
  await pack.close();
});
