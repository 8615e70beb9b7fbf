// Members that change while writes go on: who is to have a say is brought up to date first, writes wait for the change and
// none fails, and what was acknowledged can be read from the members of then alone.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as giveWay } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import type { DriveId } from "../../../src/core/ids.ts";
import { openForReading } from "../../../src/metadata/sqlite/open-database.ts";
import type { FromWriter } from "../../../src/metadata/sqlite/write-protocol.ts";
import { WriterHost } from "../../../src/metadata/sqlite/writer-host.ts";
import { MemberDisk, MemoryMember } from "../../support/memory-member.ts";

const specOf = (driveId: DriveId) => ({ kind: "folder", driveId, path: driveId }) as const;
const idOf = (slot: number): DriveId => `drive-${slot}` as DriveId;

/** Seven drives, of which the first five are members. */
async function givenHost(path: string, disks: readonly MemberDisk[], slots: readonly number[]) {
  const said: FromWriter[] = [];
  const host = new WriterHost({
    path,
    plan: {
      specs: slots.map((slot) => specOf(idOf(slot))),
      drives: slots.map(idOf),
      toleratedCount: 2,
      owner: `owner of ${path}`,
      clusterId: "cluster",
      acceptLoss: false,
      retryMs: 20,
    },
    send: (message) => said.push(message),
    openMember: async ({ driveId }) => {
      const disk = disks[Number(driveId.split("-")[1])];
      if (disk === undefined) throw new Error(`there is no ${driveId}`);
      return new MemoryMember(driveId, disk);
    },
  });
  onTestFinished(() => host.close());
  await host.start();
  const members = () => said.findLast((message) => message.kind === "report")?.report.members ?? [];
  return { host, members };
}

function givenFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kintsugi-change-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const settingOf = (n: number) =>
  ({
    kind: "group",
    nowMs: n,
    requests: [{ name: "ensureSetting", input: { name: `setting-${n}`, value: "" } }],
  }) as const;

function settingsIn(path: string): number {
  const database = openForReading(path);
  try {
    return Number(database.prepare("select count(*) from settings").pluck().get());
  } finally {
    database.close();
  }
}

test("a member that leaves is followed by another; no write fails, and the others know everything", async () => {
  const folder = givenFolder();
  const disks = Array.from({ length: 7 }, () => new MemberDisk());
  const path = join(folder, "one.db");
  const all = [0, 1, 2, 3, 4, 5, 6];
  const { host, members } = await givenHost(path, disks, all);
  expect(members().map(({ driveId }) => driveId)).toEqual([0, 1, 2, 3, 4].map(idOf));
  let count = 0;
  const state = { isOver: false };
  const writing = (async () => {
    for (; !state.isOver; count += 1) {
      const reply = await host.apply(settingOf(count));
      expect(reply.kind).toBe("answers");
      await giveWay();
    }
  })();
  await vi.waitUntil(() => count > 20);
  const rest = all.filter((slot) => slot !== 1);
  const change = {
    drives: rest.map(idOf),
    specs: all.map((slot) => specOf(idOf(slot))),
    toleratedCount: 2,
  };
  expect(await host.changeMembers(change)).toBeUndefined();
  const at = count;
  await vi.waitUntil(() => count > at + 20);
  state.isOver = true;
  await writing;
  expect(members().map(({ driveId }) => driveId)).toEqual([0, 2, 3, 4, 5].map(idOf));
  // Once more it changes nothing, and begins nothing anew.
  expect(await host.changeMembers(change)).toBeUndefined();
  await host.close();

  // Two of the members of now are lost, and the one that left knows nothing of the end.
  const second = join(folder, "two.db");
  await givenHost(second, disks, [2, 4, 5]);
  expect(settingsIn(second)).toBe(count);
});

test("a change takes the place of one that waits for a drive, and is not undone by it", async () => {
  const folder = givenFolder();
  const disks = Array.from({ length: 7 }, () => new MemberDisk());
  const all = [0, 1, 2, 3, 4, 5, 6];
  const { host, members } = await givenHost(join(folder, "one.db"), disks, all);
  const [, , , , , sixth] = disks;
  if (sixth === undefined) throw new Error("there is a sixth");
  sixth.isAway = true;
  const specs = all.map((slot) => specOf(idOf(slot)));
  const first = host.changeMembers({
    drives: all.slice(1).map(idOf),
    specs,
    toleratedCount: 2,
  });
  await giveWay();
  const second = host.changeMembers({
    drives: [0, 2, 3, 4, 6].map(idOf),
    specs,
    toleratedCount: 2,
  });
  expect(await first).toMatch(/not up to date/);
  expect(await second).toBeUndefined();
  sixth.isAway = false;
  expect((await host.apply(settingOf(1))).kind).toBe("answers");
  expect(members().map(({ driveId }) => driveId)).toEqual([0, 2, 3, 4, 6].map(idOf));
});

test("a drive that does not answer is no member, and what there is goes on", async () => {
  const folder = givenFolder();
  const disks = Array.from({ length: 6 }, () => new MemberDisk());
  const all = [0, 1, 2, 3, 4, 5];
  const { host, members } = await givenHost(join(folder, "one.db"), disks, all);
  const [, , , , , last] = disks;
  if (last === undefined) throw new Error("there is a sixth");
  last.isAway = true;
  const changing = host.changeMembers({
    drives: all.slice(1).map(idOf),
    specs: all.map((slot) => specOf(idOf(slot))),
    toleratedCount: 2,
  });
  expect((await host.apply(settingOf(1))).kind).toBe("answers");
  last.isAway = false;
  expect(await changing).toBeUndefined();
  expect((await host.apply(settingOf(2))).kind).toBe("answers");
  expect(members().map(({ driveId }) => driveId)).toEqual([1, 2, 3, 4, 5].map(idOf));
});

test("another number of drives that may be lost means other members, and back", async () => {
  const folder = givenFolder();
  const disks = Array.from({ length: 6 }, () => new MemberDisk());
  const all = [0, 1, 2, 3, 4, 5];
  const { host, members } = await givenHost(join(folder, "one.db"), disks, all);
  const change = { drives: all.map(idOf), specs: all.map((slot) => specOf(idOf(slot))) };
  await host.apply(settingOf(1));
  for (const [toleratedCount, memberCount] of [
    [0, 1],
    [2, 5],
    [1, 3],
    [2, 5],
  ] as const) {
    expect(await host.changeMembers({ ...change, toleratedCount })).toBeUndefined();
    expect(members()).toHaveLength(memberCount);
    expect((await host.apply(settingOf(memberCount))).kind).toBe("answers");
  }
  await host.close();
  await givenHost(join(folder, "two.db"), disks, [2, 3, 4]);
  expect(settingsIn(join(folder, "two.db"))).toBe(3);
});
