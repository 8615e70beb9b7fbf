// The door of the writer's own thread: one that takes a dead one's place opens it anew, and other processes find it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { openSideMetadata } from "../../../src/metadata/sqlite/open-side-metadata.ts";
import { spawnWriter } from "../../../src/metadata/sqlite/spawn-writer.ts";
import type { SideNews } from "../../../src/metadata/sqlite/write-protocol.ts";
import { startWriter } from "../../../src/metadata/sqlite/writer-client.ts";
import { realClock } from "../../../src/util/clock.ts";
import { atEnd } from "../../support/at-end.ts";

const PATIENT = { timeout: 30_000 };
const SOON = { timeout: 20_000 };
const UNAVAILABLE = { code: "ServiceUnavailable", status: 503 };

async function givenThread(socketName = "writes.sock") {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-side-"));
  atEnd(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "metadata.db");
  const door = { socketPath: join(folder, socketName), token: "token" };
  const workers: Worker[] = [];
  const news: { readonly kind: string }[] = [];
  const { port } = await startWriter({
    path,
    door,
    clock: realClock,
    onNews: (each) => news.push(each),
    spawn: (data) => {
      const worker = spawnWriter(data);
      workers.push(worker);
      return worker;
    },
  });
  atEnd(() => port.close());
  const openSide = (onNews?: (each: SideNews) => void) =>
    openSideMetadata({ ...door, databasePath: path, clock: realClock, onNews });
  return { port, workers, openSide, news };
}

test(
  "another process writes through the thread, and goes on with the next when it dies",
  PATIENT,
  async () => {
    const { port, workers, openSide } = await givenThread();
    let readyCount = 0;
    const side = await openSide(({ kind }) => (readyCount += kind === "ready" ? 1 : 0));
    atEnd(() => side.close());
    expect(await side.ensureSetting("first", "first")).toBe("first");
    await port.submit({ name: "ensureSetting", input: { name: "own", value: "own" } });
    expect(await side.findSetting("own")).toBe("own");

    await workers[0]?.terminate();
    await expect.poll(() => readyCount, SOON).toBe(2);

    expect(await side.ensureSetting("second", "second")).toBe("second");
    expect(await side.findSetting("first")).toBe("first");
  },
);

test(
  "the thread ends while others are connected, and they are told that it is closed",
  PATIENT,
  async () => {
    const { port, openSide } = await givenThread();
    const side = await openSide();
    atEnd(() => side.close());
    await port.close();
    await expect
      .poll(() => side.ensureSetting("late", "late").catch((error: unknown) => error), SOON)
      .toMatchObject(UNAVAILABLE);
  },
);

test("where there can be no socket the process serves alone, and says so", PATIENT, async () => {
  const { port, news } = await givenThread("x".repeat(200));
  expect(await port.submit({ name: "ensureSetting", input: { name: "own", value: "1" } })).toBe(
    "1",
  );
  await expect.poll(() => news.some(({ kind }) => kind === "log"), SOON).toBe(true);
});
