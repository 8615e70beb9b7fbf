// A folder has one owner: another process is refused, one that is just being killed is waited for, and one that was
// killed and cannot die (a file call that hangs) is passed over by whoever replaces it, and by nobody else.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lockFolder } from "../../../src/metadata/sqlite/folder-lock.ts";

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-lock-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Another process that holds a place in the folder until it is killed. */
async function givenHolder(folder: string, place = "lock.db"): Promise<ChildProcess> {
  const sqlite = createRequire(import.meta.url).resolve("better-sqlite3");
  const code = `
    const Database = require(${JSON.stringify(sqlite)});
    const database = new Database(${JSON.stringify(join(folder, place))});
    database.exec("begin exclusive");
    process.stdout.write("held");
    setInterval(() => database.open, 1000);`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("what one holds another is refused, and gets once it is released", async () => {
  const folder = await givenFolder();
  const lock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow(/in use by another process/);
  lock.release();
  (await lockFolder(folder)).release();
});

test("a holder that dies meanwhile is waited for", async () => {
  const folder = await givenFolder();
  const holder = await givenHolder(folder);
  const locking = lockFolder(folder);
  holder.kill("SIGKILL");
  const lock = await locking;
  expect(lock).toBeDefined();
  lock.release();
});

test("a holder that was killed and lives on is passed over by who names it, and by nobody else", async () => {
  const folder = await givenFolder();
  const holder = await givenHolder(folder);
  const pid = holder.pid ?? 0;
  await expect(lockFolder(folder, { replacedPids: [process.pid] })).rejects.toThrow(/in use/);
  const lock = await lockFolder(folder, { replacedPids: [pid] });

  // Others see the place of the new owner also once the old one is gone.
  holder.kill("SIGKILL");
  await once(holder, "exit");
  const other = await givenHolder(folder);
  other.kill("SIGKILL");
  await once(other, "exit");
  await expect(lockFolder(folder)).rejects.toThrow(/in use/);
  lock.release();
  (await lockFolder(folder)).release();
});

test("a second one that was killed is passed over too", async () => {
  const folder = await givenFolder();
  const holders = [await givenHolder(folder), await givenHolder(folder, "lock-1.db")];
  const pids = holders.map(({ pid }) => pid ?? 0);
  await expect(lockFolder(folder, { replacedPids: pids.slice(0, 1) })).rejects.toThrow(/in use/);
  await expect(lockFolder(folder, { replacedPids: pids.slice(1) })).rejects.toThrow(/in use/);
  (await lockFolder(folder, { replacedPids: pids })).release();
});

test("a place that somebody else holds keeps out whoever gets the first one", async () => {
  const folder = await givenFolder();
  await givenHolder(folder, "lock-2.db");
  await expect(lockFolder(folder)).rejects.toThrow(/in use/);
});
