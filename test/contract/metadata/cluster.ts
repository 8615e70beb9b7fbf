// Settings, processes, layouts, reset, close.

import { expect, test } from "vitest";
import type { DriveId, Incarnation } from "../../../src/core/ids.ts";
import {
  TAKEN,
  givenBucket,
  inSet,
  objectInput,
  partInput,
  setId,
  trashedIds,
  uploadInput,
  uploadsQuery,
  type GivenStore,
} from "./inputs.ts";

const FIRST = "0000000000000001" as Incarnation;
const SECOND = "0000000000000002" as Incarnation;

export function clusterTests(given: GivenStore): void {
  test("the first value of a setting stands", async () => {
    const store = given();
    expect(await store.findSetting("cluster-id")).toBeUndefined();
    expect(await store.ensureSetting("cluster-id", "one")).toBe("one");
    expect(await store.ensureSetting("cluster-id", "two")).toBe("one");
    expect(await store.findSetting("cluster-id")).toBe("one");
  });

  test("a setting that is put replaces what stood", async () => {
    const store = given();
    await store.putSetting("nodes", "one");
    await store.putSetting("nodes", "two");
    expect(await store.findSetting("nodes")).toBe("two");
    expect(await store.ensureSetting("nodes", "three")).toBe("two");
  });

  test("processes begin and end", async () => {
    const store = given();
    await store.beginIncarnation({ incarnation: SECOND, startedAt: 5 });
    await store.beginIncarnation({ incarnation: FIRST, startedAt: 6 });
    await store.endIncarnation(SECOND, 7);
    await store.endIncarnation(SECOND, 8);
    await store.endIncarnation("00000000000000ff" as Incarnation, 9);
    expect(await store.listProcesses()).toEqual([
      { incarnation: SECOND, startedAt: 5, endedAt: 7 },
      { incarnation: FIRST, startedAt: 6, endedAt: undefined },
    ]);
    await expect(store.beginIncarnation({ incarnation: FIRST, startedAt: 9 })).rejects.toThrow(
      TAKEN,
    );
  });

  test("a set written by a process that has ended is refused", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.beginIncarnation({ incarnation: FIRST, startedAt: 5 });
    const id = setId(1).replace(/^.{16}/, FIRST) as typeof FIRST & ReturnType<typeof setId>;
    await store.endIncarnation(FIRST, 6);
    const put = store.putObject(objectInput(bucketId, "key", { content: inSet(1, { id }) }));
    await expect(put).rejects.toThrow("has ended");
    expect(await store.findObject(bucketId, "key")).toBeUndefined();
  });

  test("layouts are kept in order, each version once", async () => {
    const store = given();
    const drives = ["drive-a", "drive-b"] as DriveId[];
    const written = { isWritten: true, retiredInto: undefined };
    const geometry = { dataShards: 1, parityShards: 1 };
    const second = { version: 2, drives, partitions: [[1, 0]], geometry, ...written };
    const first = {
      version: 1,
      drives,
      partitions: [
        [0, 1],
        [1, 0],
      ],
      ...written,
    };
    await store.addLayout(second);
    await store.addLayout(first);
    await expect(store.addLayout({ ...first, partitions: [] })).rejects.toThrow(TAKEN);
    expect(await store.findLayouts()).toEqual([first, second]);
  });

  test("a layout is known, then written by, then the only one that counts", async () => {
    const store = given();
    const drives = ["drive-a", "drive-b"] as DriveId[];
    const layout = { drives, partitions: [[1, 0]], retiredInto: undefined };
    await store.addLayout({ ...layout, version: 1, isWritten: true });
    await store.addLayout({ ...layout, version: 2, isWritten: false });
    const seen = async () =>
      (await store.findLayouts()).map(({ isWritten, retiredInto }) => [isWritten, retiredInto]);
    expect(await seen()).toEqual([
      [true, undefined],
      [false, undefined],
    ]);
    await store.useLayout(2, false);
    expect(await seen()).toEqual([
      [true, undefined],
      [true, undefined],
    ]);
    await store.useLayout(2, true);
    expect(await seen()).toEqual([
      [true, 2],
      [true, undefined],
    ]);
    await store.addLayout({ ...layout, version: 3, isWritten: false });
    await store.useLayout(3, true);
    // What was retired before stays so: one leads to the next.
    expect(await seen()).toEqual([
      [true, 2],
      [true, 3],
      [true, undefined],
    ]);
  });

  test("reset removes buckets, objects and uploads, and leaves settings, layouts and processes", async () => {
    const store = given();
    const bucketId = await givenBucket(store);
    await store.ensureSetting("name", "value");
    const layout = { drives: [], partitions: [], isWritten: true, retiredInto: undefined };
    await store.addLayout({ version: 1, ...layout });
    await store.beginIncarnation({ incarnation: FIRST, startedAt: 5 });
    await store.putObject(objectInput(bucketId, "set", { content: inSet(1) }));
    await store.putObject(objectInput(bucketId, "inline"));
    await store.putBucketConfig(bucketId, "tagging", "x");
    const upload = uploadInput(bucketId, "upload");
    const { manifestId } = await store.createUpload(upload);
    await store.putPart(partInput(upload, 1, { content: inSet(2) }));

    await store.reset();

    expect(await store.findBucket("bucket")).toBeUndefined();
    expect(await store.findBucketConfig(bucketId, "tagging")).toBeUndefined();
    expect(await store.findObject(bucketId, "set")).toBeUndefined();
    expect(await store.findUpload(bucketId, "upload", upload.uploadId)).toBeUndefined();
    expect((await store.listUploads(uploadsQuery(bucketId))).entries).toEqual([]);
    expect((await store.listParts(manifestId, 0, 10)).parts).toEqual([]);
    expect(await trashedIds(store)).toEqual([setId(1), setId(2)]);
    expect(await store.findSetting("name")).toBe("value");
    expect(await store.findLayouts()).toHaveLength(1);
    expect(await store.listProcesses()).toHaveLength(1);
    expect(await givenBucket(store)).not.toBe(bucketId);
  });

  test("closing twice is closing once", async () => {
    const store = given();
    await Promise.all([store.close(), store.close()]);
    await expect(store.close()).resolves.toBeUndefined();
  });
}
