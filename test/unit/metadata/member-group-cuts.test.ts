// Members forget what snapshots hold, and nobody waits for that.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { JournalError } from "../../../src/journal/journal-member.ts";
import { RECORD_KIND } from "../../../src/journal/journal-record.ts";
import type { MemberGroup } from "../../../src/metadata/members/member-group.ts";
import { givenMemberGroup, slotId } from "../../support/member-group.ts";

const PAYLOAD = [Buffer.from("a change")];

test("members are cut one after the other, and changes are held meanwhile", async () => {
  const { group, cutting, bases } = await givenGroup(5);
  await appendMany(group, 4);
  const cut = group.cut(2);
  for (let member = 0; member < 5; member += 1) {
    await vi.waitFor(() => expect(cutting.length).toBe(member + 1));
    // The quorum is three of five: with all of them cut at once nothing could be held now.
    await group.append(RECORD_KIND.changes, PAYLOAD);
    expect(bases()).toEqual(Array.from({ length: 5 }, (_, each) => (each < member ? 2 : 0)));
    cutting[member]?.();
  }
  await cut;
  expect(bases()).toEqual([2, 2, 2, 2, 2]);
});

test("a member that fails while it is cut leaves, and the next ones are cut", async () => {
  const { group, cutting, bases } = await givenGroup(5);
  await appendMany(group, 3);
  const cut = group.cut(2);
  await vi.waitFor(() => expect(cutting.length).toBe(1));
  cutting[0]?.(new JournalError("Unavailable", "gone"));
  for (let member = 1; member < 5; member += 1) {
    await vi.waitFor(() => expect(cutting.length).toBe(member + 1));
    cutting[member]?.();
  }
  await cut;
  expect(bases()).toEqual([0, 2, 2, 2, 2]);
  expect(group.report().members.map(({ state }) => state)).toContain("away");
});

test("a second cut comes after the first, and a member that was dropped holds neither up", async () => {
  const { group, cutting, bases } = await givenGroup(3);
  await appendMany(group, 6);
  const cuts = Promise.all([group.cut(2), group.cut(4)]);
  await vi.waitFor(() => expect(cutting.length).toBe(1));
  group.drop(slotId(0));
  for (let call = 1; call < 5; call += 1) {
    await vi.waitFor(() => expect(cutting.length).toBe(call + 1));
    cutting[call]?.();
  }
  await cuts;
  expect(bases()).toEqual([0, 4, 4]);
});

test("a member that is never idle is cut between its appends", async () => {
  const { group, cutting, bases } = await givenGroup(3);
  await appendMany(group, 3);
  const load = new AbortController();
  const loads = [0, 1].map(async () => {
    while (!load.signal.aborted) await group.append(RECORD_KIND.changes, PAYLOAD);
  });
  onTestFinished(() => load.abort());
  const cut = group.cut(2);
  for (let member = 0; member < 3; member += 1) {
    await vi.waitFor(() => expect(cutting.length).toBe(member + 1));
    cutting[member]?.();
  }
  await cut;
  load.abort();
  await Promise.all(loads);
  expect(bases()).toEqual([2, 2, 2]);
});

type EndCut = (error?: Error) => void;

async function givenGroup(count: number) {
  /** Ends the cuts that have begun, in their order. */
  const cutting: EndCut[] = [];
  const beforeCall = async (name: string): Promise<void> => {
    await nextTurn();
    if (name !== "cut") return;
    await new Promise<void>((resolve, reject) => {
      cutting.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  };
  const { group, disks } = await givenMemberGroup({ count, beforeCall });
  return { group, cutting, bases: () => disks.map(({ base }) => base.sequence) };
}

async function appendMany(group: MemberGroup, count: number): Promise<void> {
  for (let each = 0; each < count; each += 1) await group.append(RECORD_KIND.changes, PAYLOAD);
}
