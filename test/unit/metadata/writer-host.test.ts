// The writer and its members, without their thread: members that go and come back while writes go on, a quorum that is
// lost and found again, and another process that takes over.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { openForReading } from "../../../src/metadata/sqlite/open-database.ts";
import type { FromWriter } from "../../../src/metadata/sqlite/write-protocol.ts";
import { WriterHost } from "../../../src/metadata/sqlite/writer-host.ts";
import { bucketInput, objectInput } from "../../contract/metadata/inputs.ts";
import { MemberDisk, MemoryMember } from "../../support/memory-member.ts";

function givenMembers(count: number) {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-host-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const drives = Array.from({ length: count }, (_, slot) => `drive-${slot}` as DriveId);
  const disks = drives.map(() => new MemberDisk());
  const setAway = (isAway: boolean, ...slots: number[]): void => {
    for (const [slot, disk] of disks.entries()) if (slots.includes(slot)) disk.isAway = isAway;
  };
  return { folder, drives, disks, setAway };
}

type Given = ReturnType<typeof givenMembers>;

const specOf = (driveId: DriveId) => ({ kind: "folder", driveId, path: driveId }) as const;

interface HostChange {
  readonly slots?: readonly number[];
  /** Of a member that comes just before the first record of the epoch is written. */
  readonly lateSlot?: number;
}

async function givenHost(
  { folder, drives, disks }: Given,
  name = "one",
  { slots = drives.map((_, slot) => slot), lateSlot }: HostChange = {},
) {
  const addMember = (slot: number) => host.addMember(specOf(drives[slot] ?? ("" as DriveId)));
  const late = lateSlot === undefined ? [] : [lateSlot];
  const beforeCall = async (call: string): Promise<void> => {
    if (call === "append") await Promise.all(late.splice(0).map(addMember));
  };
  const said: FromWriter[] = [];
  const path = join(folder, `${name}.db`);
  const host = new WriterHost({
    path,
    plan: {
      specs: drives.filter((_, slot) => slots.includes(slot)).map(specOf),
      drives,
      toleratedCount: 2,
      owner: name,
      clusterId: "cluster",
      acceptLoss: false,
      retryMs: 20,
    },
    send: (message) => said.push(message),
    openMember: async ({ driveId }) =>
      new MemoryMember(driveId, disks[drives.indexOf(driveId)] ?? new MemberDisk(), beforeCall),
  });
  await host.start();
  onTestFinished(() => host.close());
  const write = (setting: string) =>
    host.apply({
      kind: "group",
      nowMs: 1,
      requests: [{ name: "ensureSetting", input: { name: setting, value: setting } }],
    });
  const goodCount = () => {
    const reports = said.flatMap((each) => (each.kind === "report" ? each.report : []));
    return reports.at(-1)?.members.filter(({ state }) => state === "good").length;
  };
  const count = (kind: FromWriter["kind"]) => said.filter((each) => each.kind === kind).length;
  return { host, write, said, goodCount, count, settings: () => settingsIn(path) };
}

function settingsIn(path: string): readonly string[] {
  const database = openForReading(path);
  try {
    return database.prepare<[], string>("select name from settings order by name").pluck().all();
  } finally {
    database.close();
  }
}

test("members that go away are left out, and brought up to date when they are back", async () => {
  const given = givenMembers(6);
  const one = await givenHost(given);
  await one.write("a");
  given.setAway(true, 1, 3);
  for (let index = 0; index < 20; index += 1) await one.write(`b${index}`);
  await vi.waitFor(() => expect(one.goodCount()).toBe(3));
  given.setAway(false, 1, 3);
  // Writes go on while they catch up.
  await vi.waitFor(async () => {
    expect(await one.write("c")).toMatchObject({ kind: "answers" });
    expect(one.goodCount()).toBe(5);
  });
  await one.host.close();
  // The others may go now.
  given.setAway(true, 0, 2);
  const two = await givenHost(given, "two");
  expect(two.settings()).toHaveLength(22);
});

test("without a quorum writes are refused, and go on by themselves once there is one", async () => {
  const given = givenMembers(6);
  const one = await givenHost(given);
  await one.write("a");
  given.setAway(true, 0, 1, 2);
  const unavailable = { kind: "group-failed", fault: { isAway: true } };
  expect(await one.write("b")).toMatchObject(unavailable);
  expect(await one.write("c")).toMatchObject(unavailable);
  // Nor does the report, by which the sweep is allowed, say otherwise.
  expect(one.goodCount()).toBe(2);
  expect(one.settings()).toEqual(["a"]);
  given.setAway(false, 0, 1, 2);
  await vi.waitFor(async () => expect(await one.write("d")).toMatchObject({ kind: "answers" }), {
    timeout: 5_000,
  });
  // What two of five held may stand or not; what was refused outright does not.
  expect(one.settings()).toEqual(expect.arrayContaining(["a", "d"]));
  expect(one.settings()).not.toContain("c");
});

test("a start without a write quorum serves reads, and writes once there is one", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.write("a");
  await one.host.close();
  given.setAway(true, 0, 1);
  const two = await givenHost(given, "two");
  expect(two.settings()).toEqual(["a"]);
  expect(await two.write("b")).toMatchObject({ kind: "group-failed", fault: { isAway: true } });
  given.setAway(false, 0);
  await vi.waitFor(async () => expect(await two.write("c")).toMatchObject({ kind: "answers" }), {
    timeout: 5_000,
  });
});

test("who lost its members takes none of them back from one who has taken over meanwhile", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.write("a");
  given.setAway(true, 0, 1, 2, 3);
  expect(await one.write("lost")).toMatchObject({ kind: "group-failed", fault: { isAway: true } });
  // It has tried once in vain, and will again in half a second.
  await vi.waitFor(() => expect(JSON.stringify(one.said)).toContain("waits for its members"));
  given.setAway(false, 0, 1, 2, 3);
  const two = await givenHost(given, "two");
  expect(await two.write("b")).toMatchObject({ kind: "answers" });
  const isFenced = async () => {
    expect(await one.write("late")).toMatchObject({ kind: "group-failed" });
    expect(one.count("fenced")).toBe(1);
  };
  await vi.waitFor(isFenced, { timeout: 20_000, interval: 100 });
  expect(await two.write("c")).toMatchObject({ kind: "answers" });
  expect(two.settings()).toEqual(["a", "b", "c"]);
});

test("who is taken over from writes nothing more, says so once, and never comes back", async () => {
  const given = givenMembers(6);
  const one = await givenHost(given);
  await one.write("a");
  const two = await givenHost(given, "two");
  await two.write("b");
  for (const late of ["c", "d"]) {
    expect(await one.write(late)).toMatchObject({ kind: "group-failed" });
  }
  expect(one.said.filter(({ kind }) => kind === "fenced")).toHaveLength(1);
  expect(await two.write("e")).toMatchObject({ kind: "answers" });
  expect(two.settings()).toEqual(["a", "b", "e"]);
});

test("readers are told of the file after every opening: an attempt before may have replaced it", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.write("a");
  const before = one.count("replaced");
  given.setAway(true, 0, 1, 2);
  await one.write("b");
  given.setAway(false, 0, 1, 2);
  await vi.waitFor(() => expect(one.count("replaced")).toBe(before + 1), { timeout: 5_000 });
});

test("a database is made anew from its members, once at a time, and not while they are waited for", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.write("a");
  const [first, second] = [one.host.restore(), one.host.restore()];
  const meanwhile = one.write("b");
  expect(await second).toMatch("already");
  expect(await meanwhile).toMatchObject({ kind: "group-failed", fault: { isAway: true } });
  expect(await first).toBeUndefined();
  expect(await one.write("c")).toMatchObject({ kind: "answers" });
  expect(one.settings()).toEqual(["a", "c"]);

  given.setAway(true, 0, 1, 2, 3);
  await one.write("lost");
  expect(await one.host.restore()).toMatch("already");
  // The file was left where it is.
  expect(one.settings()).toEqual(["a", "c"]);
});

test("a database that is being made anew when the writer ends is not opened by anybody", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.write("a");
  const restoring = one.host.restore();
  await one.host.close();
  expect(await restoring).toMatch("ended");
});

test("who has it made anew is told when its members stay away, and it is made anew once they are back", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.write("a");
  given.setAway(true, 0, 1, 2);
  expect(await one.host.restore()).toMatch(/waits for its members.*goes on by itself/);
  expect(await one.host.restore()).toMatch("already");
  given.setAway(false, 0, 1, 2);
  await vi.waitFor(async () => expect(await one.write("b")).toMatchObject({ kind: "answers" }), {
    timeout: 10_000,
  });
  expect(one.settings()).toEqual(["a", "b"]);
});

test("a member that comes while the database is being opened takes part", async () => {
  const given = givenMembers(6);
  const one = await givenHost(given);
  await one.write("a");
  await one.host.close();
  const two = await givenHost(given, "two", { slots: [0, 1, 2, 3], lateSlot: 4 });
  await vi.waitFor(() => expect(two.goodCount()).toBe(5));
});

test("a group that grows too large for its record takes no more, and the members go on", async () => {
  const given = givenMembers(4);
  const one = await givenHost(given);
  await one.host.apply({
    kind: "group",
    nowMs: 1,
    requests: [{ name: "createBucket", input: bucketInput("bucket") }],
  });
  const content = { kind: "inline", bytes: new Uint8Array(17 * 1024 * 1024) } as const;
  const reply = await one.host.apply({
    kind: "group",
    nowMs: 1,
    requests: ["a", "b", "c"].map((key) => ({
      name: "putObject",
      input: objectInput(1, key, key === "c" ? {} : { content }),
    })),
  });
  expect(reply).toMatchObject({
    answers: [
      { kind: "done" },
      { kind: "refused", refusal: { code: "SlowDown" } },
      { kind: "done" },
    ],
  });
  expect(one.goodCount()).toBe(4);
});
