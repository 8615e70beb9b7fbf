// What is done on the calling thread, that it waits for nothing there, and that it does not keep others from theirs.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { usePageCache } from "../../../src/disk/cached-read.ts";
import type { Disk } from "../../../src/disk/disk.ts";
import { openRealDisk } from "../../../src/disk/real-disk.ts";
import { diskErrorOf, givenFile } from "../../contract/disk.ts";
import { IN_MEMORY_FOLDER } from "../../support/in-memory.ts";
import { makePipe } from "../../support/make-pipe.ts";
import { hasCachedReads } from "../../support/page-cache.ts";

const POOL_SIZE = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);

beforeAll(usePageCache);

const places = [
  { what: "on a disk, out of the page cache", parent: tmpdir(), is: await hasCachedReads() },
  { what: "in memory", parent: IN_MEMORY_FOLDER ?? "", is: IN_MEMORY_FOLDER !== undefined },
];

describe.each(places.filter(({ is }) => is))("$what", ({ parent }) => {
  test("a read needs no thread: it is answered while the whole pool hangs", async () => {
    const { root, disk } = givenDisk(parent);
    await givenFile(disk, "a", ["hello world"]);
    const file = await disk.open("a");
    const release = hangPool(root);
    const target = Buffer.alloc(5);
    const count = await file.read(target, 6).finally(release);
    expect([count, target.toString()]).toEqual([5, "world"]);
    await file.close();
  });

  test("a loop of reads that are all there lets others have their turns", async () => {
    const { disk } = givenDisk(parent);
    await givenFile(disk, "a", ["x".repeat(65_536)]);
    const file = await disk.open("a");
    const target = Buffer.alloc(65_536);
    let turnCount = 0;
    const turns = setInterval(() => (turnCount += 1), 0);
    onTestFinished(() => clearInterval(turns));
    for (let count = 0; count < 3_000; count += 1) await file.read(target, 0);
    expect(turnCount).toBeGreaterThan(5);
    await file.close();
  });

  test("what was appended since a file was opened is read too", async () => {
    const { root, disk } = givenDisk(parent);
    await givenFile(disk, "a", ["first,"]);
    const file = await disk.open("a");
    fs.appendFileSync(join(root, "a"), " second");
    const target = Buffer.alloc(20);
    expect(await file.read(target, 0)).toBe(13);
    expect(target.subarray(0, 13).toString()).toBe("first, second");
    await file.close();
  });

  test("reading a file is not noted in it", async () => {
    const { root, disk } = givenDisk(parent);
    await givenFile(disk, "a", ["x"]);
    const longAgo = new Date(1_000_000);
    fs.utimesSync(join(root, "a"), longAgo, new Date());
    const file = await disk.open("a");
    await file.read(Buffer.alloc(1), 0);
    await file.close();
    expect(fs.statSync(join(root, "a")).atimeMs).toBe(longAgo.getTime());
  });
});

describe.skipIf(IN_MEMORY_FOLDER === undefined)("a file in memory", () => {
  test("is written without a thread, and with one where much is written", async () => {
    const { root, disk } = givenDisk(IN_MEMORY_FOLDER ?? "");
    const file = await disk.create("a", { syncsEach: true });
    const release = hangPool(root);
    await file.append([Buffer.from("small, "), Buffer.from("durable")]).finally(release);
    await file.sync();
    await file.append([Buffer.alloc(1_000_000, "x")]);
    await file.close();
    const written = Buffer.from(await disk.readFile("a"));
    expect(written.toString()).toBe(`small, durable${"x".repeat(1_000_000)}`);
  });

  test("is written without a thread, however much, while many files are", async () => {
    const { root, disk } = givenDisk(IN_MEMORY_FOLDER ?? "");
    const names = Array.from({ length: 13 }, (_, nth) => `file-${nth}`);
    const files = await Promise.all(names.map((name) => disk.create(name)));
    const large = Buffer.alloc(300_000, "x");
    await Promise.all(files.map((file) => file.append([large])));
    const release = hangPool(root);
    // Twelve mebibytes: more than is done in one turn.
    let turnCount = 0;
    const turns = setInterval(() => (turnCount += 1), 0);
    onTestFinished(() => clearInterval(turns));
    const appended = files.map((file) => file.append([large, large, large]));
    await Promise.all(appended).finally(release);
    expect(turnCount).toBeGreaterThan(2);
    await Promise.all(files.map((file) => file.close()));
    const sizes = names.map((name) => fs.statSync(join(root, name)).size);
    expect(sizes).toEqual(names.map(() => 1_200_000));

    // With those closed there are few again.
    expect(await needsThread(disk, root)).toBe(true);
  });

  test("is not counted when it was closed before its write came, nor where it stays open", async () => {
    const root = givenFolder(IN_MEMORY_FOLDER ?? "");
    const disk = openRealDisk({ root, deadlineMs: 5_000, maxInFlight: 1 });
    const large = Buffer.alloc(300_000, "x");
    for (let nth = 0; nth < 14; nth += 1) {
      const [one, two] = [await disk.create(`one-${nth}`), await disk.create(`two-${nth}`)];
      const appended = [one.append([large]), two.append([large])];
      await Promise.all([two.close(), ...appended]);
      await one.close();
    }
    const packs = await Promise.all(
      Array.from({ length: 14 }, (_, nth) => disk.create(`pack-${nth}`, { syncsEach: true })),
    );
    for (const pack of packs) await pack.append([large]);
    expect(await needsThread(disk, root)).toBe(true);
    for (const pack of packs) await pack.close();
  });

  test("tells what is wrong with a call as the pool does", async () => {
    const { disk } = givenDisk(IN_MEMORY_FOLDER ?? "");
    await givenFile(disk, "a", ["x"]);
    const file = await disk.open("a");
    // Beyond what an offset may be: nothing reaches the kernel.
    expect(await diskErrorOf(file.read(Buffer.alloc(1), 2 ** 60))).toBe("OTHER");
    expect(await file.read(Buffer.alloc(1), 0)).toBe(1);
    await file.close();
  });

  test("takes a thousand calls that waited for their turn", async () => {
    const root = givenFolder(IN_MEMORY_FOLDER ?? "");
    const disk = openRealDisk({ root, deadlineMs: 5_000, maxInFlight: 1 });
    const file = await disk.create("a");
    const calls = [disk.space(), ...Array.from({ length: 1_000 }, () => file.sync())];
    await Promise.all(calls);
    await file.append([Buffer.from("x")]);
    await file.close();
    expect(fs.readFileSync(join(root, "a"), "utf8")).toBe("x");
  });
});

/** Whether a large write waits while the whole pool hangs. */
async function needsThread(disk: Disk, root: string): Promise<boolean> {
  const file = await disk.create("alone");
  const release = hangPool(root);
  let isWritten = false;
  const append = file.append([Buffer.alloc(300_000)]).then(() => (isWritten = true));
  await new Promise((resolve) => void setTimeout(resolve, 50));
  const wasWritten = isWritten;
  await release();
  await append;
  await file.close();
  return !wasWritten;
}

function givenFolder(parent: string): string {
  const root = fs.mkdtempSync(join(parent, "kintsugi-direct-"));
  onTestFinished(() => fs.rmSync(root, { recursive: true, force: true }));
  return root;
}

function givenDisk(parent: string): { root: string; disk: Disk } {
  const root = givenFolder(parent);
  return { root, disk: openRealDisk({ root, deadlineMs: 5_000, maxInFlight: 2 }) };
}

/** Every thread of the pool opens a pipe that nobody writes to. What is returned ends that, once all have come back. */
function hangPool(root: string): () => Promise<void> {
  const pipe = join(root, `pipe-${fs.readdirSync(root).length}`);
  makePipe(pipe);
  const opened = Array.from(
    { length: POOL_SIZE },
    () =>
      new Promise<number>((resolve, reject) => {
        fs.open(pipe, "r", (error, descriptor) => (error ? reject(error) : resolve(descriptor)));
      }),
  );
  return async () => {
    const writer = fs.openSync(pipe, "r+");
    for (const descriptor of await Promise.all(opened)) fs.closeSync(descriptor);
    fs.closeSync(writer);
  };
}
