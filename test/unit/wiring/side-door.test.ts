// The lead's door for its sides: only who has the token is let in, what is asked is answered or given up, and a side counts
// as gone when its connection is.

import { connect, Server, type Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Incarnation } from "../../../src/core/ids.ts";
import { frameOf, rawFrameOf } from "../../../src/metadata/sqlite/write-frames.ts";
import { silentLogger } from "../../../src/telemetry/logger.ts";
import { CloseStack } from "../../../src/wiring/close-stack.ts";
import { SideControl } from "../../../src/wiring/side-control.ts";
import { openSideDoor } from "../../../src/wiring/side-door.ts";
import { newDriveId } from "../../../src/datanode/drive-identity.ts";
import type { SideFigures, SideWelcome } from "../../../src/wiring/side-protocol.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { until } from "../../support/until.ts";

const TOKEN = "0123456789abcdef";
const WELCOME = { clusterId: "the-cluster", driveCount: 6 } as SideWelcome;
const REPORT = {
  madeAt: 1,
  oldestReadingStartedAt: undefined,
  openReadings: 2,
  litter: 0,
  awayDrives: [],
  layoutStamp: "1.1.1",
  oldestLayout: 1,
};

async function givenDoor() {
  const folder = await givenFolder();
  const noted: string[] = [];
  const closeStack = new CloseStack();
  const door = await openSideDoor(
    {
      plan: { count: 1, folder, token: TOKEN },
      welcome: WELCOME,
      store: {
        beginSide: (name) => {
          noted.push(`begin ${name}`);
          return Promise.resolve("a1" as Incarnation);
        },
        noteSide: (name, { openReadings }) => noted.push(`${name} reads ${openReadings}`),
        endSide: (name) => {
          noted.push(`end ${name}`);
          return Promise.resolve();
        },
      },
      logger: silentLogger,
    },
    closeStack,
  );
  onTestFinished(() => closeStack.close());
  const orders = { number: 1, folder, token: TOKEN };
  return { door, noted, orders, path: join(folder, "control.sock") };
}

function figuresOf(puts: number): SideFigures {
  const durations = new Float64Array(16).fill(0);
  const counts = { statuses: new Map([[200, puts]]), durations, durationMsSum: 1 };
  const put = { ...counts, receivedBytes: 10, sentBytes: 20 };
  const numbers = { residentBytes: 1, heapTotalBytes: 1, heapUsedBytes: 1, externalBytes: 1 };
  return {
    counts: { openCount: 1, operations: new Map([["PutObject", put]]) },
    process: { cpuSeconds: 2, ...numbers, loopUtilization: 0, openFiles: 3 },
    calls: new Map(),
  };
}

const lost = (): void => undefined;

test("a side is told what to serve from, reports, answers what is asked, and is gone with its connection", async () => {
  const { door, noted, orders } = await givenDoor();
  const control = new SideControl(orders, lost);
  expect(await control.welcome()).toMatchObject({ incarnation: "a1", welcome: WELCOME });
  let puts = 1;
  const asked: string[] = [];
  await control.begin({
    makeReport: () => Promise.resolve({ report: REPORT, figures: figuresOf(puts) }),
    refreshKeys: () => Promise.resolve(void asked.push("keys")),
    sealPack: () => Promise.resolve(void asked.push("seal")),
    refreshDrives: (places) => Promise.resolve(void asked.push(`${places.length} drives`)),
  });
  puts = 7;
  await door.refresh();
  expect(door.counts.operations.get("PutObject")?.statuses).toEqual(new Map([[200, 7]]));
  expect(door.counts.openCount).toBe(1);
  await door.refreshKeys();
  await door.sealPacks();
  await door.refreshDrives([{ driveId: newDriveId(), path: "/seventh" }]);
  // What changed while the side was being opened was told to nobody: it asks for itself.
  expect(asked).toEqual(["keys", "0 drives", "keys", "seal", "1 drives"]);
  expect(door.count).toBe(1);
  control.cutOff();
  await until(5_000, "its end", () => noted.includes("end side 1"));
  expect(noted.slice(0, 2)).toEqual(["begin side 1", "side 1 reads 2"]);
  expect(door.count).toBe(0);
  // Counters never go back.
  expect(door.counts.operations.get("PutObject")?.statuses).toEqual(new Map([[200, 7]]));
  expect(door.counts.openCount).toBe(0);
  expect(door.pastCpuSeconds).toBe(2);
});

test.each([
  ["another token", rawFrameOf(`${TOKEN}0`)],
  ["no token at all", frameOf({ kind: "done", id: 1 })],
  ["a frame that is too long", Buffer.from([0xff, 0xff, 0xff, 0xff])],
])("who says %s is sent away, and told nothing", async (_what, bytes) => {
  const { noted, path } = await givenDoor();
  const socket = connect(path);
  const received = allOf(socket);
  socket.write(bytes);
  await once(socket, "close");
  expect(received()).toBe(0);
  expect(noted).toEqual([]);
});

test("what is out of step after the token ends the connection, and the side with it", async () => {
  const { door, noted, path } = await givenDoor();
  const socket = connect(path);
  socket.on("error", lost);
  socket.write(rawFrameOf(TOKEN));
  await once(socket, "data");
  socket.write(Buffer.from([0, 0, 0, 2, 1, 2]));
  await once(socket, "close");
  await until(5_000, "its end", () => noted.includes("end side 1"));
  expect(door.count).toBe(0);
});

test("a side hears of the end of its lead", async () => {
  const { door, orders } = await givenDoor();
  const ended = new Promise<void>((resolve) => {
    const control = new SideControl(orders, resolve);
    void control.welcome();
  });
  await until(5_000, "the side", () => door.count === 1);
  // It does not go by itself: the lead waits for a while, and no longer.
  await door.close();
  await ended;
  expect(door.count).toBe(0);
}, 20_000);

test("a door that could not take a connection is open for the next", async () => {
  const listening = vi.spyOn(Server.prototype, "listen");
  onTestFinished(() => listening.mockRestore());
  const { door, path } = await givenDoor();
  const [server] = listening.mock.contexts;
  if (!(server instanceof Server)) throw new Error("nothing listens");
  for (let count = 0; count < 2; count += 1) server.emit("error", new Error("EMFILE"));
  const socket = connect(path);
  socket.on("error", lost);
  socket.write(rawFrameOf(TOKEN));
  await until(5_000, "the side", () => door.count === 1);
  expect(door.count).toBe(1);
  socket.destroy();
});

/** How many bytes have come. */
function allOf(socket: Socket): () => number {
  let count = 0;
  socket.on("data", (chunk: Buffer) => (count += chunk.length));
  socket.on("error", lost);
  return () => count;
}
