// The memory of a record is given back once every member has it, and never before: what one still writes, or may write
// behind an error, and what another will be brought up to date with, stays as it was.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { JournalError } from "../../../src/journal/journal-member.ts";
import { RECORD_KIND } from "../../../src/journal/journal-record.ts";
import { givenMemberGroup } from "../../support/member-group.ts";

/** Small ones are left to garbage collection. */
const PAYLOAD = [Buffer.alloc(30_000, "a"), Buffer.alloc(10_000, "b")];
const RETRY_MS = 5;

test("a record's memory is given back once every member has it", async () => {
  const { group, given, disks } = await givenGroup(3);
  await group.append(RECORD_KIND.changes, PAYLOAD);
  await vi.waitFor(() => expect(given.map(({ length }) => length)).toEqual([0, 0, 0]));
  for (const { records } of disks) expect(records[0]?.bytes.subarray(56)).toEqual(joined());
});

test("what a member still writes, or may write behind an error, is kept", async () => {
  const { group, given, slow } = await givenGroup(3);
  slow.isSlow = true;
  await group.append(RECORD_KIND.changes, PAYLOAD);
  await group.append(RECORD_KIND.changes, PAYLOAD);
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  for (const bytes of given) expect(bytes.length).toBeGreaterThan(40_000);
  slow.end?.(new JournalError("Unavailable", "it took too long"));
  await vi.waitFor(() => expect(group.report().members[0]?.state).not.toBe("good"));
  for (const bytes of given) expect(Buffer.from(bytes.subarray(56))).toEqual(joined());
});

test("a member that comes back under load is brought up to date with whole records", async () => {
  const { group, disks, slow } = await givenGroup(3);
  const [disk] = disks;
  if (disk === undefined) throw new Error("there are members");
  disk.isAway = true;
  for (let each = 0; each < 3; each += 1) await group.append(RECORD_KIND.changes, PAYLOAD);
  await vi.waitFor(() => expect(group.report().members[0]?.state).toBe("away"));
  disk.isAway = false;
  slow.isSlow = false;
  await vi.waitFor(async () => {
    await group.append(RECORD_KIND.changes, PAYLOAD);
    expect(group.report().members[0]?.state).toBe("good");
  });
  await group.append(RECORD_KIND.changes, PAYLOAD);
  await vi.waitFor(() => expect(disk.records.length).toBe(disks[1]?.records.length));
  for (const { bytes } of disk.records) expect(bytes.subarray(56)).toEqual(joined());
});

test("a member that comes back takes part in what no quorum holds yet", async () => {
  const { group, disks, slow } = await givenGroup(3);
  const disk = disks[2];
  if (disk === undefined) throw new Error("there are members");
  disk.isAway = true;
  await group.append(RECORD_KIND.changes, PAYLOAD);
  await vi.waitFor(() => expect(group.report().members[2]?.state).toBe("away"));
  slow.isSlow = true;
  const appended = group.append(RECORD_KIND.changes, PAYLOAD);
  await vi.waitFor(() => expect(slow.end).not.toBe(undefined));
  disk.isAway = false;
  await vi.waitFor(() => expect(group.report().members[2]?.state).toBe("good"));
  await vi.waitFor(() => expect(disk.records.length).toBe(2));
  for (const { bytes } of disk.records) expect(bytes.subarray(56)).toEqual(joined());
  slow.end?.(new JournalError("Unavailable", "it took too long"));
  await expect(appended).rejects.toThrow("1 of 2 members");
});

function joined(): Buffer {
  return Buffer.concat(PAYLOAD);
}

/** `given` are the buffers that members were given; the first member can be slow. */
async function givenGroup(count: number) {
  const given: Uint8Array[] = [];
  const slow: { isSlow: boolean; end?: (error: Error) => void } = { isSlow: false };
  const beforeCall = async (name: string, slot: number): Promise<void> => {
    await nextTurn();
    if (name !== "append" || slot > 0 || !slow.isSlow) return;
    await new Promise<void>((_, reject) => (slow.end = reject));
  };
  const { group, disks, members } = await givenMemberGroup({
    count,
    beforeCall,
    retryMs: RETRY_MS,
  });
  for (const member of members) {
    const append = member.append.bind(member);
    member.append = (by, records) => {
      given.push(...records);
      return append(by, records);
    };
  }
  return { group, given, disks, slow };
}
