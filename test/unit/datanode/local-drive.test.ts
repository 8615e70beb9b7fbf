// A local drive on a disk that fails, fills up, loses power and vanishes.

import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import {
  formatDrive,
  IDENTITY_FILE,
  newDriveId,
  type DriveIdentity,
} from "../../../src/datanode/drive-identity.ts";
import { openLocalDrive } from "../../../src/datanode/local-drive.ts";
import type { ShardStore } from "../../../src/datanode/shard-store.ts";
import type { DiskCall, SimEffect } from "../../../src/disk/sim-fault.ts";
import { SimDrive, type SimDriveOptions } from "../../../src/disk/sim-drive.ts";
import {
  bucketOf,
  givenShard,
  newName,
  readShard,
  shardErrorOf,
} from "../../contract/shard-store.ts";

test("a finished shard survives a power cut, even the first in its folder and with others at once", async () => {
  const { drive, store, identity } = await givenDrive();
  const contents = Array.from({ length: 10 }, () => randomBytes(100));
  const names = await Promise.all(contents.map((content) => givenShard(store, content)));
  drive.crash();
  const reopened = await openLocalDrive({ disk: drive, driveId: identity.driveId });
  for (const [index, name] of names.entries()) {
    expect(await readShard(reopened, name, 0, 100)).toEqual(contents[index]);
  }
});

test("a folder that an earlier process made, and did not sync, is made durable before it is used", async () => {
  const { drive, identity } = await givenDrive();
  await drive.makeDirectory("shards/7f");
  const store = await openLocalDrive({ disk: drive, driveId: identity.driveId });
  const name = await givenShard(store, Buffer.from("x"), newName("7f"));
  drive.crash();
  const reopened = await openLocalDrive({ disk: drive, driveId: identity.driveId });
  expect(await reopened.size(name)).toBe(1);
});

test("an unfinished shard may be anything after a power cut, and can be removed", async () => {
  const { drive, store, identity } = await givenDrive();
  const name = newName();
  const writer = await store.create(name);
  await writer.append([randomBytes(5_000)]);
  drive.crash("torn");
  const reopened = await openLocalDrive({ disk: drive, driveId: identity.driveId });
  await reopened.delete(name);
  expect(await reopened.list(bucketOf(name))).toEqual([]);
});

test("F11 a deleted shard does not come back after a power cut; an absent one is gone, mount or not", async () => {
  const { drive, store, identity } = await givenDrive();
  const name = await givenShard(store, Buffer.from("x"));
  await store.delete(name);
  drive.crash();
  const reopened = await openLocalDrive({ disk: drive, driveId: identity.driveId });
  expect(await reopened.list(bucketOf(name))).toEqual([]);
  await reopened.delete(newName());

  // A removal whose folder could not be synced is not over: the next one syncs it.
  const again = await givenShard(reopened, Buffer.from("y"));
  drive.inject({ calls: ["syncDirectory"], effect: { kind: "error", code: "EIO" } });
  expect(await shardErrorOf(reopened.delete(again))).toBe("Unavailable");
  drive.heal();
  await reopened.delete(again);
  drive.crash();
  const last = await openLocalDrive({ disk: drive, driveId: identity.driveId });
  expect(await last.list(bucketOf(again))).toEqual([]);
});

test("F39 where the mount is gone nothing is written and nothing is called absent", async () => {
  const { drive, store } = await givenDrive();
  const name = await givenShard(store, Buffer.from("x"));
  await store.delete(name);
  // The empty folder below a mount, as seen by a process that goes on.
  await drive.unlink(IDENTITY_FILE);
  expect(await shardErrorOf(store.read(name, 0, Buffer.alloc(1)))).toBe("Unavailable");
  expect(await shardErrorOf(store.size(name))).toBe("Unavailable");
  expect(await shardErrorOf(store.create(newName("00")))).toBe("Unavailable");
  expect(await shardErrorOf(store.list(1))).toBe("Unavailable");
  expect((await drive.list("shards")).map((entry) => entry.name)).toEqual(["7f"]);
});

test("F41 another drive in its place is Unavailable", async () => {
  const { drive } = await givenDrive();
  const opening = openLocalDrive({ disk: drive, driveId: newDriveId() });
  expect(await shardErrorOf(opening)).toBe("Unavailable");
  const blank = openLocalDrive({ disk: new SimDrive({ seed: 2 }), driveId: newDriveId() });
  expect(await shardErrorOf(blank)).toBe("Unavailable");
});

test.each<[DiskCall, SimEffect, string]>([
  ["create", { kind: "error", code: "EIO" }, "Unavailable"],
  ["create", { kind: "error", code: "ENOSPC" }, "Full"],
  ["makeDirectory", { kind: "error", code: "ENOSPC" }, "Full"],
  ["makeDirectory", { kind: "error", code: "EROFS" }, "Unavailable"],
])(
  "F43 F44 an error of %s refuses a shard, and the next try goes well",
  async (call, effect, code) => {
    const { drive, store } = await givenDrive();
    drive.inject({ calls: [call], pathPrefix: "shards/", times: 1, effect });
    const name = newName();
    expect(await shardErrorOf(store.create(name))).toBe(code);
    await givenShard(store, Buffer.from("x"), name);
    expect(await store.size(name)).toBe(1);
  },
);

test.each<[DiskCall, SimEffect, readonly string[]]>([
  ["append", { kind: "error", code: "ENOSPC" }, ["Full", "Unavailable"]],
  ["append", { kind: "error", code: "EROFS" }, ["Unavailable", "Unavailable"]],
  ["sync", { kind: "error", code: "EIO" }, ["none", "Unavailable"]],
  ["sync", { kind: "error", code: "ENOSPC" }, ["none", "Full"]],
  ["sync", { kind: "hang" }, ["none", "Unavailable"]],
  ["syncDirectory", { kind: "error", code: "EIO" }, ["none", "Unavailable"]],
])(
  "F44 F46 an error of %s fails the shard, and an abort leaves nothing",
  async (call, effect, codes) => {
    const { drive, store } = await givenDrive();
    await givenShard(store, Buffer.from("makes the folder"));
    const name = newName();
    drive.inject({ calls: [call], pathPrefix: "shards/7f", times: 1, effect });
    const writer = await store.create(name);
    const appended = await shardErrorOf(writer.append([Buffer.from("x")]));
    const finished = await shardErrorOf(writer.finish([]));
    expect([appended ?? "none", finished ?? "none"]).toEqual(codes);
    // A retry must not turn a failed sync into a success.
    expect(await shardErrorOf(writer.finish([]))).toBe("Unavailable");
    await writer.abort();
    expect(await shardErrorOf(store.size(name))).toBe("NotFound");
  },
);

test("F43 a full drive still reads and deletes, and deleting makes room", async () => {
  const { store } = await givenDrive({ capacityBytes: 20_000 });
  const name = await givenShard(store, Buffer.alloc(15_000, 1));
  const writer = await store.create(newName());
  expect(await shardErrorOf(writer.append([Buffer.alloc(15_000)]))).toBe("Full");
  await writer.abort();
  expect((await readShard(store, name, 14_999, 1))[0]).toBe(1);
  await store.delete(name);
  await givenShard(store, Buffer.alloc(15_000));
});

test("F34 a shard that is cut off under a reader is Corrupt, and readable again when it is whole", async () => {
  const { drive, store } = await givenDrive();
  const content = randomBytes(100);
  const name = await givenShard(store, content);
  expect(await readShard(store, name, 0, 100)).toEqual(content);
  const path = `shards/7f/${name.setId}.0`;
  drive.corrupt(path, { kind: "truncate", sizeBytes: 60 });
  expect(await shardErrorOf(readShard(store, name, 0, 100))).toBe("Corrupt");
  expect(await store.size(name)).toBe(60);
  drive.corrupt(path, { kind: "extend", bytes: content.subarray(60) });
  expect(await readShard(store, name, 0, 100)).toEqual(content);
});

test("an error of a read is not kept: the next one opens the file anew", async () => {
  const { drive, store } = await givenDrive();
  const name = await givenShard(store, Buffer.from("x"));
  for (const call of ["open", "read"] as const) {
    drive.inject({ calls: [call], times: 1, effect: { kind: "error", code: "OTHER" } });
    expect(await shardErrorOf(readShard(store, name, 0, 1))).toBe("Unavailable");
  }
  expect((await readShard(store, name, 0, 1)).toString()).toBe("x");
});

test("F26 a shard that cannot be read on a drive that is well is rotten; an error that passes is none", async () => {
  const { drive, store } = await givenDrive();
  const name = await givenShard(store, Buffer.from("x"));
  const size = () => store.size(name);
  const read = () => {
    store.forget?.(name);
    return readShard(store, name, 0, 1);
  };
  for (const [call, sizeCode] of [["open", "Corrupt"] as const, ["read", undefined] as const]) {
    const fault = { calls: [call], pathPrefix: "shards/7f", effect: EIO };
    drive.inject({ ...fault, times: 1 });
    expect(String(await read())).toBe("x");
    const heal = drive.inject(fault);
    expect(await shardErrorOf(read())).toBe("Corrupt");
    expect(await shardErrorOf(size())).toBe(sizeCode);
    heal();
    // The drive as a whole.
    const healAll = drive.inject({ calls: [call], effect: EIO });
    expect(await shardErrorOf(read())).toBe("Unavailable");
    healAll();
  }
  expect(await size()).toBe(1);
});

test("files and folders that are no shards are not listed", async () => {
  const { drive, store } = await givenDrive();
  const name = await givenShard(store, Buffer.from("x"));
  const strange = ["x", name.setId, `${name.setId}.255`, `${name.setId}.01`, `${name.setId}.1.tmp`];
  for (const file of [...strange, `${"0".repeat(32)}.0`]) await drive.create(`shards/7f/${file}`);
  expect(await store.list(0x7f)).toEqual([name]);
});

test("a replacement that was given up amid its last sync does nothing to the one that was begun after it", async () => {
  const { drive, identity } = await givenDrive({ deadlineMs: 5_000 });
  const gate = new EventEmitter();
  const opened = once(gate, "open");
  let holds = true;
  const disk = new Proxy(drive, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== "create") return typeof value === "function" ? value.bind(target) : value;
      return async (path: string) => {
        const file = await target.create(path);
        const isHeld = holds;
        const sync = async (): Promise<void> => {
          if (isHeld) await opened;
          await file.sync();
        };
        return { append: file.append.bind(file), sync, close: file.close.bind(file) };
      };
    },
  });
  const store = await openLocalDrive({ disk, driveId: identity.driveId, ownsFolder: true });
  const name = newName();
  const old = await store.create(name, "replacement");
  const finishing = shardErrorOf(old.finish([Buffer.from("old")]));
  holds = false;
  const next = await store.create(name, "replacement");
  await next.append([Buffer.from("new")]);
  await old.abort();
  gate.emit("open");
  expect(await finishing).toBe("Unavailable");
  expect(await shardErrorOf(store.size(name))).toBe("NotFound");
  await next.finish([Buffer.from(" one")]);
  expect(String(await readShard(store, name, 0, 7))).toBe("new one");
  expect(await drive.list("rebuilt")).toEqual([]);
});

test.each(["abort", "undo"] as const)(
  "who ends late by %s leaves what has taken the place of its file",
  async (end) => {
    const { store } = await givenDrive();
    const [replaced, own] = [newName(), newName()];
    for (const name of [replaced, own]) {
      const writer = await store.create(name);
      await writer.append([Buffer.from("x")]);
      if (end === "undo") await writer.finish([]);
      if (name === replaced) {
        await (await store.create(name, "replacement")).finish([Buffer.from("made anew")]);
      }
      await writer[end]?.();
    }
    expect(String(await readShard(store, replaced, 0, 9))).toBe("made anew");
    expect(await shardErrorOf(store.size(own))).toBe("NotFound");
  },
);

test("names that are none, and folders that are none, are bugs", async () => {
  const { store } = await givenDrive();
  const name = newName();
  expect(() => store.create({ ...name, index: -1 })).toThrow("has an index");
  expect(() => store.create({ ...name, index: 1.5 })).toThrow("has an index");
  await expect(store.list(256)).rejects.toThrow("one of the folders");
});

const EIO = { kind: "error", code: "EIO" } as const;

async function givenDrive(
  options: Partial<SimDriveOptions> = {},
): Promise<{ drive: SimDrive; store: ShardStore; identity: DriveIdentity }> {
  const drive = new SimDrive({ seed: 1, deadlineMs: 5, ...options });
  const driveId = newDriveId();
  const slots = [{ driveId, wasMountPoint: false }];
  const identity = { clusterId: "test", driveId, slot: 0, slots, createdAt: 0 };
  await formatDrive(drive, identity);
  return { drive, store: await openLocalDrive({ disk: drive, driveId }), identity };
}
