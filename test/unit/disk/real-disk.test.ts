// What only a real folder can show: hung calls, a lost mount, what may not be written, what stays behind.

import {
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Disk } from "../../../src/disk/disk.ts";
import { isMountPoint } from "../../../src/disk/mount-point.ts";
import { openRealDisk } from "../../../src/disk/real-disk.ts";
import { diskErrorOf, givenFile, readText } from "../../contract/disk.ts";
import { makePipe } from "../../support/make-pipe.ts";

test("F46 a hung call is TIMEOUT, the next ones fail at once, and the drive is well when it ends", async () => {
  const { root, disk } = givenDisk({ deadlineMs: 500 });
  makePipe(join(root, "hung"));
  await givenFile(disk, "a", ["x"]);
  expect(await diskErrorOf(disk.open("hung"))).toBe("TIMEOUT");
  expect(await diskErrorOf(disk.open("a"))).toBe("TIMEOUT");

  const writer = await open(join(root, "hung"), "w");
  await eventually(async () => (await diskErrorOf(disk.open("a"))) === undefined);
  await writer.close();
  // The descriptor that came too late has been closed.
  await eventually(async () => openPaths().every((path) => !path.endsWith("/hung")));
  expect(await readText(disk, "a", 0, 1)).toBe("x");
});

test("a call that waits behind a hung one is TIMEOUT too, and is never made", async () => {
  const { root, disk } = givenDisk({ deadlineMs: 50, maxInFlight: 1 });
  makePipe(join(root, "hung"));
  const outcomes = await Promise.all([
    diskErrorOf(disk.open("hung")),
    diskErrorOf(disk.create("never")),
  ]);
  expect(outcomes).toEqual(["TIMEOUT", "TIMEOUT"]);
  const writer = await open(join(root, "hung"), "w");
  await eventually(async () => (await diskErrorOf(disk.list(""))) === undefined);
  await writer.close();
  expect(existsSync(join(root, "never"))).toBe(false);
});

test("F39 no folder is made where the root is gone; the root is made when asked for by name", async () => {
  const { root, disk } = givenDisk({});
  rmSync(root, { recursive: true });
  expect(await diskErrorOf(disk.makeDirectory("shards/ab"))).toBe("ENOENT");
  expect(await diskErrorOf(disk.writeFile("a", Buffer.from("x")))).toBe("ENOENT");
  expect(await diskErrorOf(disk.space())).toBe("ENOENT");
  expect(existsSync(root)).toBe(false);

  const deep = openRealDisk({ root: join(root, "a/b"), deadlineMs: 5_000, maxInFlight: 2 });
  await deep.makeDirectory("");
  expect(await deep.list("")).toEqual([]);
});

test("files and folders are closed to other users", async () => {
  const { root, disk } = givenDisk({});
  await disk.makeDirectory("folder");
  await givenFile(disk, "folder/a", ["x"]);
  expect(statSync(join(root, "folder/a")).mode & 0o077).toBe(0);
  expect(statSync(join(root, "folder")).mode & 0o077).toBe(0);
});

test("a failed writeFile leaves the old file and no temporary one", async () => {
  const { root, disk } = givenDisk({});
  await disk.makeDirectory("taken");
  writeFileSync(join(root, "taken/inside"), "x");
  expect(await diskErrorOf(disk.writeFile("taken", Buffer.from("x")))).toBe("OTHER");
  expect(readdirSync(root)).toEqual(["taken"]);
});

test("a file closed with calls in flight closes after them, and leaks no descriptor", async () => {
  const { root, disk } = givenDisk({ maxInFlight: 1 });
  const file = await disk.create("a");
  const appends = [file.append([Buffer.alloc(100_000, 1)]), file.append([Buffer.alloc(10, 2)])];
  await file.close();
  await Promise.all(appends);
  await eventually(async () => !openPaths().includes(join(root, "a")));
  expect(Buffer.from(await disk.readFile("a")).subarray(-11)).toEqual(
    Buffer.from([1, ...Array.from({ length: 10 }, () => 2)]),
  );
});

test("chunks beyond what one system call takes are all written", async () => {
  const { disk } = givenDisk({});
  const chunk = Buffer.from("0123456789abcdef");
  const file = await disk.create("a");
  await file.append(Array.from({ length: 5_000 }, () => chunk));
  await file.close();
  expect((await disk.readFile("a")).length).toBe(80_000);
});

test("the root of the file system is a mount point, a fresh folder and an absent one are not", async () => {
  const { root } = givenDisk({});
  expect(await isMountPoint("/")).toBe(true);
  expect(await isMountPoint(root)).toBe(false);
  expect(await isMountPoint(join(root, "absent"))).toBe(false);
});

function givenDisk(options: { deadlineMs?: number; maxInFlight?: number }): {
  root: string;
  disk: Disk;
} {
  const root = mkdtempSync(join(tmpdir(), "kintsugi-disk-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return { root, disk: openRealDisk({ root, deadlineMs: 5_000, maxInFlight: 2, ...options }) };
}

/** What this process has open, by path. */
function openPaths(): string[] {
  return readdirSync("/proc/self/fd").flatMap((descriptor) => targetOf(descriptor) ?? []);
}

function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve));
}

test.runIf(process.platform === "linux")(
  "a file that is synced after each append is one whose writes are synced by themselves",
  async () => {
    const { root, disk } = givenDisk({});
    const file = await disk.create("a", { syncsEach: true });
    await file.append([Buffer.from("x"), Buffer.from("yz")]);
    await file.sync();
    expect(flagsOf(join(root, "a")) & constants.O_DSYNC).toBe(constants.O_DSYNC);
    await file.append([Buffer.from("!")]);
    await file.sync();
    await file.close();
    expect(await readText(disk, "a", 0, 4)).toBe("xyz!");
    expect(await diskErrorOf(disk.create("a", { syncsEach: true }))).toBe("EEXIST");
    const other = await disk.create("b");
    expect(flagsOf(join(root, "b")) & constants.O_DSYNC).toBe(0);
    await other.close();
  },
);

/** Of the descriptor that this process has open. */
function flagsOf(path: string): number {
  const paths = readdirSync("/proc/self/fd").map((name) => [name, targetOf(name)] as const);
  const [descriptor] = paths.find(([, target]) => target === path) ?? [];
  const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
  return Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "0", 8);
}

test("two disks on one folder replace a file at the same time: one of the two stands, and nothing else", async () => {
  const { root } = givenDisk({});
  const disks = [0, 1].map(() => openRealDisk({ root, deadlineMs: 5_000, maxInFlight: 2 }));
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      disks.map((disk, nth) => disk.writeFile("a", Buffer.from(`${round}:${nth}`))),
    );
    expect([`${round}:0`, `${round}:1`]).toContain(readFileSync(join(root, "a"), "utf8"));
  }
  expect(readdirSync(root)).toEqual(["a"]);
});
