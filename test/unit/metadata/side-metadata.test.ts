// Metadata of a process that does not have the writer: what it writes goes through the writer's door, together with what
// others write; what it reads is never older than what another has acknowledged.

import { renameSync } from "node:fs";
import { createConnection } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import type { AccountId } from "../../../src/core/ids.ts";
import { openSideMetadata } from "../../../src/metadata/sqlite/open-side-metadata.ts";
import { openForWriting } from "../../../src/metadata/sqlite/open-database.ts";
import { frameOf, rawFrameOf } from "../../../src/metadata/sqlite/write-frames.ts";
import type { SideNews, WriteGroup } from "../../../src/metadata/sqlite/write-protocol.ts";
import { realClock } from "../../../src/util/clock.ts";
import { atEnd } from "../../support/at-end.ts";
import { openWriterDoor, TOKEN } from "../../support/writer-door.ts";

/** Where the machine is busy with other things. */
const SOON = { timeout: 20_000 };
const PATIENT = { timeout: 30_000 };
const UNAVAILABLE = { code: "ServiceUnavailable", status: 503 };

async function givenSides({ count = 1, patienceMs = 60_000, renewalMsMax = 20_000 } = {}) {
  const door = await openWriterDoor();
  atEnd(() => door.dispose());
  const { databasePath, socketPath } = door;
  const news: SideNews[] = [];
  const open = (token = TOKEN, patience = patienceMs) =>
    openSideMetadata({
      databasePath,
      socketPath,
      token,
      clock: realClock,
      onNews: (each) => news.push(each),
      patienceMs: patience,
      renewalMsMax,
    });
  const sides = [];
  for (let index = 0; index < count; index += 1) {
    const side = await open();
    atEnd(() => side.close());
    sides.push(side);
  }
  const [side = await open()] = sides;
  return { door, open, side, sides, news };
}

const bucketOf = (name: string) => ({
  name,
  ownerId: "owner" as AccountId,
  createdAt: 1,
  region: "us-east-1",
  hasLock: false,
});

function setAside(databasePath: string): void {
  for (const suffix of ["", "-wal", "-shm"]) {
    renameSync(`${databasePath}${suffix}`, `${databasePath}.aside${suffix}`);
  }
}

const group = (name: string): WriteGroup => ({
  kind: "group",
  nowMs: 1,
  requests: [{ name: "ensureSetting", input: { name, value: name } }],
});

test("what one process has written the others read at once", PATIENT, async () => {
  const { sides, door } = await givenSides({ count: 2 });
  const [first, second] = sides;
  await first?.createBucket(bucketOf("bucket"));
  expect(await second?.findBucket("bucket")).toMatchObject({ name: "bucket" });
  await expect(second?.createBucket(bucketOf("bucket"))).rejects.toMatchObject({
    code: "BucketAlreadyOwnedByYou",
  });
  await door.submit(group("own"));
  expect(await first?.findSetting("own")).toBe("own");
});

test(
  "what waits of all processes is one transaction, and each gets its own answers",
  PATIENT,
  async () => {
    const { sides, door } = await givenSides({ count: 2 });
    const release = door.hold();
    const first = door.submit(group("first"));
    await expect.poll(() => door.groups.length, SOON).toBe(1);
    const written = sides.flatMap((side, index) => [
      side.ensureSetting(`a-${index}`, `a-${index}`),
      side.createBucket(bucketOf("bucket")).then(
        () => "made",
        () => "refused",
      ),
    ]);
    const own = door.submit(group("own"));
    await expect.poll(() => door.arrivedCount(), SOON).toBe(4);
    release();
    expect(await first).toMatchObject({ answers: [{ result: "first" }] });
    expect(await own).toMatchObject({ answers: [{ result: "own" }] });
    expect((await Promise.all(written)).toSorted()).toEqual(["a-0", "a-1", "made", "refused"]);
    expect(door.groups.map(({ requests }) => requests.length)).toEqual([1, 5]);
  },
);

test(
  "who does not know the token is sent away, and so is who speaks out of turn",
  PATIENT,
  async () => {
    const { door, open } = await givenSides();
    await expect(open("another", 0)).rejects.toThrow("closed the connection");
    expect(door.count()).toBe(1);
    const long = createConnection(door.socketPath);
    long.on("error", () => undefined);
    long.write(rawFrameOf("x".repeat(2_000)));
    await once(long, "close");
    const release = door.hold();
    const hasty = createConnection(door.socketPath);
    hasty.on("error", () => undefined);
    hasty.write(Buffer.concat([rawFrameOf(TOKEN), frameOf(group("one")), frameOf(group("two"))]));
    hasty.resume();
    await once(hasty, "close");
    release();
    expect(door.count()).toBe(1);
  },
);

test(
  "a connection that ends leaves what was under way unknown; it is made again, and writes go on",
  PATIENT,
  async () => {
    const { side, door, news } = await givenSides();
    const release = door.hold();
    const lost = side.ensureSetting("lost", "lost");
    await expect.poll(() => door.groups.length, SOON).toBe(1);
    door.shut();
    await expect(lost).rejects.toMatchObject(UNAVAILABLE);
    await expect(side.ensureSetting("early", "early")).rejects.toMatchObject(UNAVAILABLE);
    expect(await side.findSetting("lost")).toBeUndefined();
    release();
    await door.reopen();
    await expect.poll(() => news.filter(({ kind }) => kind === "ready").length, SOON).toBe(2);
    expect(await side.ensureSetting("later", "later")).toBe("later");
    expect(side.isWritable()).toBe(true);
  },
);

test(
  "a door through which nothing came for long is looked for again all the same",
  PATIENT,
  async () => {
    const { side, door } = await givenSides({ patienceMs: 300 });
    await side.ensureSetting("before", "before");
    // The patience counts the time in which the door is shut, and nothing else.
    await new Promise((resolve) => setTimeout(resolve, 600));
    door.shut();
    await door.reopen();
    await expect
      .poll(() => side.ensureSetting("later", "later").catch(() => undefined), SOON)
      .toBe("later");
    expect(side.isWritable()).toBe(true);
  },
);

test(
  "a door that stays shut is given up: reads go on, writes are refused for good",
  PATIENT,
  async () => {
    const { side, door } = await givenSides({ patienceMs: 300 });
    await side.ensureSetting("before", "before");
    door.shut();
    await expect.poll(() => side.isWritable(), SOON).toBe(false);
    await expect(side.ensureSetting("late", "late")).rejects.toMatchObject(UNAVAILABLE);
    expect(await side.findSetting("before")).toBe("before");
  },
);

test("what a process sent that is gone is not written, unless it had begun", PATIENT, async () => {
  const { door } = await givenSides();
  const release = door.hold();
  const first = door.submit(group("first"));
  const gone = createConnection(door.socketPath);
  gone.write(Buffer.concat([rawFrameOf(TOKEN), frameOf(group("gone"))]));
  await expect.poll(() => door.count(), SOON).toBe(2);
  gone.destroy();
  await expect.poll(() => door.count(), SOON).toBe(1);
  release();
  await first;
  expect(door.groups).toHaveLength(1);
});

test("reports of the members reach it, those from before it came too", PATIENT, async () => {
  const { side, door, news, open } = await givenSides();
  const report = { epoch: 3, sequence: 5, quorum: 1, members: [] };
  expect(side.journalReport()).toBeUndefined();
  door.tell({ kind: "report", report });
  await expect.poll(() => side.journalReport(), SOON).toEqual(report);
  const later = await open();
  atEnd(() => later.close());
  expect(later.journalReport()).toEqual(report);
  door.tell({ kind: "fenced", message: "another" });
  await expect.poll(() => news.at(-1), SOON).toEqual({ kind: "fenced", message: "another" });
});

test(
  "of a database that has taken the place of the one that it reads it tells nothing old",
  PATIENT,
  async () => {
    const { side, door } = await givenSides({ renewalMsMax: 10 });
    await side.createBucket(bucketOf("before"));
    setAside(door.databasePath);
    // Nobody has another one yet.
    expect(await side.findBucket("before")).toMatchObject({ name: "before" });
    const made = openForWriting(door.databasePath);
    atEnd(() => void made.close());
    await expect(side.findBucket("before")).rejects.toMatchObject(UNAVAILABLE);
    await expect(
      side.listBuckets({ ownerId: "owner" as AccountId, prefix: "", after: "", limit: 10 }),
    ).rejects.toMatchObject(UNAVAILABLE);
    door.tell({ kind: "replaced" });
    await expect
      .poll(() => side.findBucket("before").then(String, () => "unavailable"), SOON)
      .toBe("undefined");
  },
);

test("requests wait for a database that is about to be in force", PATIENT, async () => {
  const { side, door } = await givenSides();
  await side.createBucket(bucketOf("before"));
  setAside(door.databasePath);
  const made = openForWriting(door.databasePath);
  atEnd(() => void made.close());
  const order: string[] = [];
  const query = { ownerId: "owner" as AccountId, prefix: "", after: "", limit: 10 };
  const asked = [
    side.findBucket("before").finally(() => order.push("found")),
    side.listBuckets(query).finally(() => order.push("listed")),
  ];
  // What reads on in the old one is not held up.
  expect(await side.findSetting("any")).toBeUndefined();
  order.push("in force");
  door.tell({ kind: "replaced" });
  expect(await Promise.all(asked)).toEqual([undefined, []]);
  expect(order[0]).toBe("in force");
});
