// Files of shards that are kept open: they are closed when nobody reads them any more, never under a reader.

import { EventEmitter, once } from "node:events";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { OpenShards } from "../../../src/datanode/open-shards.ts";
import type { Disk, ReadFile } from "../../../src/disk/disk.ts";
import { SimDrive } from "../../../src/disk/sim-drive.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
});

test("files that nobody reads any more are closed, and those that are read stay open", async () => {
  const { shards, open, read } = await givenShards();
  await read("a");
  await read("b");
  expect(open()).toEqual(["a", "b"]);
  for (let turn = 0; turn < 4; turn += 1) {
    await vi.advanceTimersByTimeAsync(4_000);
    await read("b");
  }
  expect(open()).toEqual(["b"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(open()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  expect(await read("a")).toBe("a");
  expect(vi.getTimerCount()).toBe(1);
  shards.forgetAll();
  expect(vi.getTimerCount()).toBe(0);
});

test("a file is not closed under a read that takes long", async () => {
  const { drive, open, read } = await givenShards();
  await read("a");
  const disk = new EventEmitter();
  const reading = read("a", once(disk, "answer"));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(open()).toEqual(["a"]);
  disk.emit("answer");
  expect(await reading).toBe("a");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(open()).toEqual([]);
  expect(await drive.list("")).toHaveLength(2);
});

test("a file that was put in the place of one that is open is read once that is forgotten", async () => {
  const { drive, shards, open, read } = await givenShards();
  await read("a");
  await drive.rename("b", "a");
  expect(await read("a")).toBe("a");
  shards.forget("a");
  expect(await read("a")).toBe("b");
  expect(open()).toEqual(["a"]);
});

/** Two files of one byte, their own name. */
async function givenShards() {
  const drive = new SimDrive({ seed: 1 });
  for (const name of ["a", "b"]) {
    const file = await drive.create(name);
    await file.append([Buffer.from(name)]);
    await file.close();
  }
  const openNames: string[] = [];
  let hold: Promise<unknown> | undefined;
  const open = async (path: string): Promise<ReadFile> => {
    const file = await drive.open(path);
    openNames.push(path);
    return {
      sizeBytes: file.sizeBytes,
      read: async (target, offset) => {
        await hold;
        return file.read(target, offset);
      },
      close: () => {
        openNames.splice(openNames.indexOf(path), 1);
        return file.close();
      },
    };
  };
  const shards = new OpenShards({ open } as Partial<Disk> as Disk, 4);
  onTestFinished(() => shards.forgetAll());
  const read = async (path: string, until?: Promise<unknown>): Promise<string> => {
    const target = Buffer.alloc(1);
    hold = until;
    await shards.read(path, 0, target);
    return target.toString();
  };
  return { drive, shards, read, open: (): readonly string[] => [...openNames] };
}
