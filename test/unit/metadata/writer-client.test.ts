// A writer thread that dies: what it had is refused as unknown, another takes its place, and one that dies again and
// again is given up.

import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { startWriter } from "../../../src/metadata/sqlite/writer-client.ts";
import type { WritePort } from "../../../src/metadata/write-operations.ts";
import { workerEntry } from "../../../src/util/code-root.ts";
import { HandClock } from "../../support/store-lab.ts";

/** A thread takes its time to start where others run. */
const PATIENT = { timeout: 15_000 };
const UNAVAILABLE = { code: "ServiceUnavailable", status: 503 };

async function givenWriter() {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-writer-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "metadata.db");
  const clock = new HandClock();
  const workers: Worker[] = [];
  let entry = writerEntry();
  const spawn = () => {
    const worker = new Worker(entry, { execArgv: [] });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread has no origin.
    worker.postMessage({ path });
    workers.push(worker);
    return worker;
  };
  const { port: writer } = await startWriter({ path, clock, spawn });
  onTestFinished(() => writer.close());
  return {
    writer,
    path,
    clock,
    workers,
    breakEntry: () => (entry = new URL("data:text/javascript,process.exit(1)")),
  };
}

const writerEntry = () =>
  workerEntry(
    new URL("../../../src/metadata/sqlite/writer-client.ts", import.meta.url).href,
    "metadata/sqlite/writer-thread",
  );

const write = (writer: WritePort, name: string) =>
  writer.submit({ name: "ensureSetting", input: { name, value: name } });

function epochIn(path: string): unknown {
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare("select epoch from state").pluck().get();
  } finally {
    database.close();
  }
}

test("a writer thread that dies is replaced: what it had is 503, what comes later is written", async () => {
  const { writer, path, workers } = await givenWriter();
  expect(await write(writer, "before")).toBe("before");
  const epoch = Number(epochIn(path));

  const death = workers[0]?.terminate();
  const underway = write(writer, "underway");
  await expect(underway).rejects.toMatchObject(UNAVAILABLE);
  await death;
  expect(writer.hasFailed).toBe(false);

  await expect.poll(() => write(writer, "after").catch(() => "refused"), PATIENT).toBe("after");
  expect(workers).toHaveLength(2);
  expect(epochIn(path)).toBe(epoch + 1);
  expect(await writer.submit(asked("before"))).toBe("before");
  expect(await writer.submit(asked("after"))).toBe("after");
});

test("a thread that died in the middle of a transaction leaves neither its lock nor its changes", async () => {
  const { writer, path, workers } = await givenWriter();
  const writes = Array.from({ length: 2_000 }, (_, index) => write(writer, `name-${index}`));
  const outcomes = Promise.allSettled(writes);
  // The thread has the first group and is somewhere within it.
  await new Promise((resolve) => setImmediate(resolve));
  await workers[0]?.terminate();
  const settled = await outcomes;
  await expect.poll(() => write(writer, "after").catch(() => "refused"), PATIENT).toBe("after");

  const database = new Database(path, { readonly: true });
  onTestFinished(() => void database.close());
  const stored = new Set(database.prepare("select name from settings").pluck().all());
  const lost = settled.filter(
    ({ status }, index) => status === "fulfilled" && !stored.has(`name-${index}`),
  );
  expect(lost).toEqual([]);
  expect(settled.at(-1)).toMatchObject({ status: "rejected", reason: UNAVAILABLE });
});

test("a thread that dies a fourth time in a minute stays dead, and that is known", async () => {
  const { writer, workers } = await givenWriter();
  for (let deaths = 1; deaths <= 3; deaths += 1) {
    await workers.at(-1)?.terminate();
    await expect.poll(() => write(writer, "name").catch(() => "refused"), PATIENT).toBe("name");
    expect(workers).toHaveLength(deaths + 1);
  }
  await workers.at(-1)?.terminate();
  await expect.poll(() => writer.hasFailed, PATIENT).toBe(true);
  await expect(write(writer, "name")).rejects.toMatchObject(UNAVAILABLE);
  expect(workers).toHaveLength(4);
});

test("deaths that are far apart are no reason to give up", async () => {
  const { writer, workers, clock } = await givenWriter();
  for (let deaths = 1; deaths <= 5; deaths += 1) {
    await workers.at(-1)?.terminate();
    await expect.poll(() => write(writer, "name").catch(() => "refused"), PATIENT).toBe("name");
    clock.nowMs += 30_000;
  }
  expect(writer.hasFailed).toBe(false);
});

test("threads that cannot be started again are given up, and closing does not wait for them", async () => {
  const { writer, workers, breakEntry } = await givenWriter();
  breakEntry();
  await workers[0]?.terminate();
  await expect.poll(() => writer.hasFailed, PATIENT).toBe(true);
  expect(workers).toHaveLength(4);
  await writer.close();
});

test("closing while a thread is being replaced ends that one too", async () => {
  const { writer, workers } = await givenWriter();
  await workers[0]?.terminate();
  await writer.close();
  expect(workers.length).toBeLessThanOrEqual(2);
  await expect(write(writer, "name")).rejects.toThrow("closed");
  for (const worker of workers) expect(worker.threadId).toBe(-1);
});

test("who asked for other members hears what became of that, in whatever order it was done", async () => {
  const worker = new EventEmitter() as unknown as Worker;
  const changes: { readonly id: number }[] = [];
  worker.postMessage = (message: { readonly id: number; readonly kind: string }) => {
    if (message.kind === "change-members") changes.push(message);
    if (message.kind === "close") worker.emit("exit", 0);
  };
  const starting = startWriter({ path: "none", clock: new HandClock(), spawn: () => worker });
  worker.emit("message", { kind: "ready", clusterId: undefined, remarks: [] });
  const writer = await starting;
  const first = writer.changeMembers({
    drives: ["a" as DriveId],
    specs: [],
    toleratedCount: 2,
  });
  const spec = { kind: "folder", driveId: "b" as DriveId, path: "b" } as const;
  const second = writer.changeMembers({
    drives: [spec.driveId],
    specs: [spec],
    toleratedCount: 2,
  });
  const [one, two] = changes.map(({ id }) => id);
  worker.emit("message", { kind: "members-changed", id: two, problem: undefined });
  expect(await second).toBeUndefined();
  worker.emit("message", { kind: "members-changed", id: one, problem: "it is behind" });
  expect(await first).toBe("it is behind");
  expect(writer.specs()).toEqual([spec]);
  await writer.port.close();
});

/** A setting that stands answers with its own value. */
function asked(name: string) {
  return { name: "ensureSetting", input: { name, value: "another" } } as const;
}
