// What only an engine with a disk can show: that metadata outlives its process, and that a folder has one owner.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { openSqliteMetadata } from "../../src/metadata/sqlite/open-sqlite-metadata.ts";
import { MovableClock } from "../../src/util/clock.ts";
import {
  deleteKeys,
  givenBucket,
  inSet,
  listed,
  objectInput,
  objectsQuery,
  partInput,
  setId,
  uploadInput,
  uploadsQuery,
} from "./metadata/inputs.ts";

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-metadata-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Everything that a store can be asked for, as far as the test below filled it. */
async function everything(store: MetadataStore, bucketId: number) {
  const objects = await store.listObjects(objectsQuery(bucketId));
  const records = objects.entries.map(async (entry) =>
    entry.kind === "object" ? store.findObject(bucketId, entry.object.key) : undefined,
  );
  const uploads = await store.listUploads(uploadsQuery(bucketId));
  const open = uploads.entries[0];
  const manifestId = open?.kind === "upload" ? open.upload.manifestId : 0;
  return {
    bucket: await store.findBucket("bucket"),
    config: await store.findBucketConfig(bucketId, "tagging"),
    setting: await store.findSetting("name"),
    layouts: await store.findLayouts(),
    processes: await store.listProcesses(),
    trash: await store.listTrash(100),
    parts: await store.listParts(manifestId, 0, 100),
    records: await Promise.all(records),
    objects,
    uploads,
  };
}

test("everything is there after closing and opening again, and numbers go on", async () => {
  const folder = await givenFolder();
  const first = await openSqliteMetadata({ folder });
  const bucketId = await givenBucket(first);
  await first.putBucketConfig(bucketId, "tagging", "<x/>");
  await first.ensureSetting("name", "value");
  const layout = { drives: [], partitions: [[0]], isWritten: true, retiredInto: undefined };
  await first.addLayout({ version: 1, ...layout });
  await first.putObject(objectInput(bucketId, "inline"));
  await first.putObject(objectInput(bucketId, "replaced", { content: inSet(1) }));
  await first.putObject(objectInput(bucketId, "replaced", { content: inSet(2) }));
  const open = uploadInput(bucketId, "open", { id: "open" });
  const done = uploadInput(bucketId, "done", { id: "done" });
  await first.createUpload(open);
  await first.putPart(partInput(open, 3));
  await first.createUpload(done);
  const { partId } = await first.putPart(partInput(done, 1, { content: inSet(3) }));
  const parts = [{ number: 1, partId }];
  const completion = { parts, sizeBytes: 10, etag: "e-1", completedAt: 1, checksum: undefined };
  const last = await first.completeUpload({ ...done, ...completion });
  const before = await everything(first, bucketId);
  await first.close();

  const second = await openSqliteMetadata({ folder });
  onTestFinished(() => second.close());
  expect(await everything(second, bucketId)).toEqual(before);
  expect(before.records).toHaveLength(3);
  const next = await second.putObject(objectInput(bucketId, "next"));
  expect(next.sequence).toBeGreaterThan(last.sequence);
});

test("writes that are under way when it is closed are done; later ones are refused", async () => {
  const folder = await givenFolder();
  const first = await openSqliteMetadata({ folder });
  const bucketId = await givenBucket(first);
  const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
  const writes = keys.map((key) => first.putObject(objectInput(bucketId, key)));
  const closing = first.close();
  await expect(first.putObject(objectInput(bucketId, "late"))).rejects.toThrow("closed");
  await Promise.all(writes);
  await closing;

  const second = await openSqliteMetadata({ folder });
  onTestFinished(() => second.close());
  expect(await listed(second, objectsQuery(bucketId))).toEqual(keys.toSorted());
});

test("the trash is dated by the clock that was given", async () => {
  const clock = new MovableClock();
  clock.advance({ days: 1_000 });
  const store = await openSqliteMetadata({ folder: await givenFolder(), clock });
  onTestFinished(() => store.close());
  const bucketId = await givenBucket(store);
  await store.putObject(objectInput(bucketId, "a", { content: inSet(1) }));
  const before = clock.now();
  await deleteKeys(store, bucketId, ["a"]);
  const [record] = await store.listTrash(1);
  expect(record?.trashedAt).toBeGreaterThanOrEqual(Math.floor(before));
  expect(record?.trashedAt).toBeLessThanOrEqual(Math.ceil(clock.now()));
});

test("a folder has one owner at a time", async () => {
  const folder = await givenFolder();
  const first = await openSqliteMetadata({ folder });
  await expect(openSqliteMetadata({ folder })).rejects.toThrow("is in use by another process");
  await givenBucket(first);
  await first.close();
  const second = await openSqliteMetadata({ folder });
  expect(await second.findBucket("bucket")).toBeDefined();
  await second.close();
});

test("a killed process leaves every acknowledged write, and no lock", async () => {
  const folder = await givenFolder();
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", writingProgram(folder)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  acknowledged.push((await lines.next()).value ?? "");
  await expect(openSqliteMetadata({ folder })).rejects.toThrow("is in use by another process");
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    acknowledged.push(line.value);
    if (acknowledged.length === 500) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");

  const store = await openSqliteMetadata({ folder });
  onTestFinished(() => store.close());
  const bucket = await store.findBucket("bucket");
  const kept = new Set(await listed(store, objectsQuery(bucket?.id ?? 0, { limit: 1_000_000 })));
  expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(500);
  expect(bucket?.objectCount).toBe(kept.size);
});

/** Puts objects for ever, eight at a time, and prints the key of each that was acknowledged. */
function writingProgram(folder: string): string {
  const opener = new URL("../../src/metadata/sqlite/open-sqlite-metadata.ts", import.meta.url);
  const input = objectInput(0, "key");
  return `
    import { openSqliteMetadata } from ${JSON.stringify(opener.href)};
    const store = await openSqliteMetadata({ folder: ${JSON.stringify(folder)} });
    const bucket = { name: "bucket", ownerId: "o", region: "r", createdAt: 1 };
    const { id: bucketId } = await store.createBucket(bucket);
    const content = { kind: "inline", bytes: Buffer.alloc(4096) };
    const input = { ...${JSON.stringify(input)}, bucketId, content };
    const write = async (writer) => {
      for (let count = 0; ; count += 1) {
        const { key } = await store.putObject({ ...input, key: "key-" + writer + "-" + count });
        process.stdout.write(key + "\\n");
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
  `;
}

test.each([
  ["a newer version", "pragma user_version = 999", "written by a newer Kintsugi"],
  ["another program", "pragma application_id = 7", "a database of another program"],
])("a database of %s is refused and left alone", async (_whose, change, message) => {
  const folder = await givenFolder();
  await (await openSqliteMetadata({ folder })).close();
  const path = join(folder, "metadata.db");
  const database = new Database(path);
  database.exec(change);
  database.close();

  await expect(openSqliteMetadata({ folder })).rejects.toThrow(message);

  // The refusal gave the folder up again, and changed nothing in it.
  const reopened = new Database(path, { readonly: true });
  const [before, after] = [change.split(" = ")[1], change.split(" ")[1] ?? ""];
  expect(String(reopened.pragma(after, { simple: true }))).toBe(before);
  expect(reopened.prepare("select epoch from state").pluck().get()).toBe(1);
  reopened.close();
  await expect(openSqliteMetadata({ folder })).rejects.toThrow(message);
});

test("a file that is no database is refused", async () => {
  const folder = await givenFolder();
  await writeFile(join(folder, "metadata.db"), "x".repeat(10_000));
  await expect(openSqliteMetadata({ folder })).rejects.toThrow("not a database");
  await expect(openSqliteMetadata({ folder })).rejects.toThrow("not a database");
});

test("ten thousand parts are completed, found by byte, and removed", async () => {
  const store = await openSqliteMetadata({ folder: await givenFolder() });
  onTestFinished(() => store.close());
  const bucketId = await givenBucket(store);
  const upload = uploadInput(bucketId, "large");
  const { manifestId } = await store.createUpload(upload);
  const parts: { number: number; partId: number }[] = [];
  for (let start = 1; start <= 10_000; start += 1_000) {
    const numbers = Array.from({ length: 1_000 }, (_, index) => start + index);
    const put = (number: number) =>
      store.putPart(partInput(upload, number, { content: inSet(number), sizeBytes: 5_242_880 }));
    parts.push(...(await Promise.all(numbers.map(put))));
  }
  const sizeBytes = 10_000 * 5_242_880;
  const rest = { sizeBytes, etag: "e-10000", completedAt: 1, checksum: undefined };
  const names = parts.map(({ number, partId }) => ({ number, partId }));
  const object = await store.completeUpload({ ...upload, ...rest, parts: names });
  expect(object.content).toMatchObject({ partCount: 10_000 });
  for (const number of [1, 2, 5_000, 10_000]) {
    const last = number * 5_242_880 - 1;
    expect(await store.findPartAt(manifestId, last)).toMatchObject({ number });
    expect(await store.findPart(manifestId, number)).toMatchObject({
      startOffset: last + 1 - 5_242_880,
    });
  }
  await deleteKeys(store, bucketId, ["large"]);
  const trash = await store.listTrash(20_000);
  expect(trash.map((record) => record.setId)).toEqual(parts.map(({ number }) => setId(number)));
});

test.each([
  [11_000, 0],
  [4, 4_000],
])("a bucket of %i open uploads of %i parts is deleted, in steps", async (count, partCount) => {
  const store = await openSqliteMetadata({ folder: await givenFolder() });
  onTestFinished(() => store.close());
  const bucketId = await givenBucket(store);
  const uploads = Array.from({ length: count }, (_, index) =>
    uploadInput(bucketId, `key-${index}`, { id: `upload-${index}` }),
  );
  await inBatches(uploads, (upload) => store.createUpload(upload));
  const content = { kind: "inline", bytes: new Uint8Array(1) } as const;
  for (const upload of uploads.slice(0, partCount)) {
    const numbers = Array.from({ length: partCount }, (_, index) => index + 1);
    await inBatches(numbers, (number) => store.putPart(partInput(upload, number, { content })));
  }
  const ended: string[] = [];
  const deleting = store.deleteBucket(bucketId).then(() => ended.push("deleted"));
  // They get in between.
  const others = [1, 2].map((index) =>
    store.ensureSetting(`name-${index}`, "value").then(() => ended.push("other")),
  );
  await Promise.all([deleting, ...others]);
  expect(ended).toEqual(["other", "other", "deleted"]);
  expect(await store.findBucketById(bucketId)).toBeUndefined();
  expect((await store.listUploads(uploadsQuery(bucketId))).entries).toEqual([]);
});

async function inBatches<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (let start = 0; start < items.length; start += 500) {
    await Promise.all(items.slice(start, start + 500).map(work));
  }
}

test("the folder is made for this user alone, with those above it", async () => {
  const folder = join(await givenFolder(), "above", "metadata");
  const store = await openSqliteMetadata({ folder });
  onTestFinished(() => store.close());
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});
