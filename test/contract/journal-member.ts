// What every JournalMember promises, told to each implementation: a drive folder, and a drive of a data node over HTTP.
// `openLab` gives a member on a blank drive whose segments are small (LAB_SEGMENT_BYTES), so that a few records fill
// several, and a way to have the same drive opened by a process that starts anew.

import { expect, test } from "vitest";
import { CHAIN_START, type JournalMember } from "../../src/journal/journal-member.ts";
import { giveBack } from "../../src/util/give-back.ts";
import {
  at,
  authority,
  bytesOf,
  codeOf,
  givenRecords,
  LAB_CLUSTER,
  last,
  pieces,
  plain,
  readAll,
  readSnapshot,
  records,
  relinked,
  snapshot,
} from "./chain-records.ts";

export interface MemberLab {
  readonly member: JournalMember;
  /** Ends the process that has the drive, and starts another one on it. */
  readonly reopen: () => Promise<JournalMember>;
}

export function describeJournalMember(openLab: () => Promise<MemberLab>): void {
  test("a blank member says so, and takes nothing before it is promised and begun", async () => {
    const { member } = await openLab();
    const state = await member.inspect();
    expect(state).toEqual({
      promised: undefined,
      head: CHAIN_START,
      base: CHAIN_START,
      snapshot: undefined,
      recordBytes: 0,
      isBlank: true,
      isIncomplete: false,
      clusterId: undefined,
      roster: undefined,
      remarks: [],
    });
    const [first] = records(1);
    expect(await codeOf(member.append(authority(1), [first.bytes]))).toBe("Fenced");
    expect(await member.promise(authority(1))).toEqual({ ...state, promised: authority(1) });
    expect(await codeOf(member.append(authority(1), [first.bytes]))).toBe("Gap");
    expect(await member.read(1, 1_000)).toEqual([]);
    await member.truncate(authority(1), CHAIN_START, LAB_CLUSTER);
    await member.append(authority(1), [first.bytes]);
    const after = await member.inspect();
    expect(after).toMatchObject({ head: first.position, isBlank: false, clusterId: LAB_CLUSTER });
  });

  test("what was appended is the member's own: its memory may be given back", async () => {
    const { member } = await openLab();
    const chain = records(3, { payloadBytes: 20_000 });
    const copies = chain.map(({ bytes }) => Buffer.from(bytes));
    await givenRecords(member, chain);
    for (const { bytes } of chain) giveBack(bytes);
    expect(chain.map(({ bytes }) => bytes.length)).toEqual([0, 0, 0]);
    expect(await readAll(member, 1)).toEqual(copies);
  });

  test("one that begins anew is incomplete until it is truncated at its head, whatever happens between", async () => {
    const lab = await openLab();
    const chain = records(9);
    await givenRecords(lab.member, chain.slice(0, 3));
    expect((await lab.member.inspect()).isIncomplete).toBe(false);
    await lab.member.truncate(authority(1), at(chain, 5), LAB_CLUSTER);
    expect((await lab.member.inspect()).isIncomplete).toBe(true);
    const member = await lab.reopen();
    expect((await member.promise(authority(2))).isIncomplete).toBe(true);
    await member.append(authority(2), bytesOf(chain.slice(5, 7)));
    expect((await member.inspect()).isIncomplete).toBe(true);
    await member.truncate(authority(2), at(chain, 7), LAB_CLUSTER);
    await member.append(authority(2), bytesOf(chain.slice(7)));
    expect((await member.inspect()).isIncomplete).toBe(false);
    const again = await lab.reopen();
    expect(await again.promise(authority(3))).toMatchObject({
      isIncomplete: false,
      base: at(chain, 5),
      head: last(chain).position,
    });
  });

  test("what was appended reads back in order, from any record on, also by a new process", async () => {
    const lab = await openLab();
    const chain = records(40);
    await givenRecords(lab.member, chain);
    for await (const member of beforeAndAfter(lab)) {
      for (const from of [1, 2, 17, 39, 40]) {
        const read = await readAll(member, from);
        expect(read, `from ${from}`).toEqual(
          chain.slice(from - 1).map(({ bytes }) => plain(bytes)),
        );
      }
      expect(await member.read(41, 1_000_000)).toEqual([]);
      expect(await member.inspect()).toMatchObject({
        head: last(chain).position,
        base: CHAIN_START,
      });
    }
  });

  test("a read gives at least one record, and not many more bytes than asked for", async () => {
    const { member } = await openLab();
    const chain = records(30, { payloadBytes: 100 });
    await givenRecords(member, chain);
    expect(await member.read(3, 0)).toHaveLength(1);
    const size = last(chain).bytes.length;
    expect((await member.read(3, size * 4)).length).toBeGreaterThanOrEqual(3);
    expect((await member.read(3, size * 4)).length).toBeLessThanOrEqual(5);
  });

  test("a record of some MiB goes through", async () => {
    const { member } = await openLab();
    const chain = [...records(2), ...records(1, { after: 2, payloadBytes: 5_000_000 })];
    await givenRecords(member, relinked(chain));
    const [read] = await member.read(3, 1);
    expect(read?.length).toBe(5_000_056);
  });

  test("what does not follow the head is a Gap, and the member goes on", async () => {
    const { member } = await openLab();
    const chain = records(6);
    await givenRecords(member, chain.slice(0, 4));
    const [, , , fourth, fifth, sixth] = chain;
    const [stranger] = records(1, { after: 4 });
    const broken = Buffer.from(fifth?.bytes ?? []);
    broken.writeUInt8(broken.readUInt8(60) ^ 1, 60);
    for (const wrong of [sixth, fourth, stranger]) {
      expect(await codeOf(member.append(authority(1), [wrong?.bytes ?? broken]))).toBe("Gap");
    }
    expect(await codeOf(member.append(authority(1), [broken]))).toBe("Gap");
    expect(await codeOf(member.append(authority(1), bytesOf([fourth, fifth, sixth])))).toBe("Gap");
    await member.append(authority(1), bytesOf([fifth, sixth]));
    expect((await member.inspect()).head).toEqual(sixth?.position);
  });

  test("F58 only the one to whom the highest epoch is promised changes anything", async () => {
    const lab = await openLab();
    const chain = records(3);
    await givenRecords(lab.member, chain.slice(0, 2));
    // To the one that it is promised to already it is said again.
    expect((await lab.member.promise(authority(1))).head).toEqual(chain[1]?.position);
    expect(await codeOf(lab.member.promise({ epoch: 1, owner: "b".repeat(16) }))).toBe("Fenced");
    expect(await codeOf(lab.member.promise(authority(0)))).toBe("Fenced");
    const state = await lab.member.promise(authority(3));
    expect(state).toMatchObject({ promised: authority(3), head: chain[1]?.position });
    for await (const member of beforeAndAfter(lab)) {
      for (const stale of [
        authority(1),
        authority(2),
        authority(4),
        { epoch: 3, owner: "c".repeat(16) },
      ]) {
        expect(await codeOf(member.append(stale, bytesOf(chain.slice(2))))).toBe("Fenced");
        expect(await codeOf(member.truncate(stale, CHAIN_START, LAB_CLUSTER))).toBe("Fenced");
        expect(await codeOf(member.cut(stale, 1))).toBe("Fenced");
        const { info, bytes } = snapshot(chain[0]?.position ?? CHAIN_START);
        expect(await codeOf(member.writeSnapshot(stale, info, pieces(bytes)))).toBe("Fenced");
      }
      expect((await member.inspect()).head).toEqual(chain[1]?.position);
    }
  });

  test("after a restart the same owner goes on where it was, without a new promise", async () => {
    const lab = await openLab();
    const chain = records(9);
    await givenRecords(lab.member, chain.slice(0, 5));
    const second = await lab.reopen();
    await second.append(authority(1), bytesOf(chain.slice(5, 7)));
    const third = await lab.reopen();
    await third.promise(authority(2));
    await third.append(authority(2), bytesOf(chain.slice(7)));
    expect(await readAll(third, 1)).toEqual(bytesOf(chain).map(plain));
  });

  test.each([0, 1, 4, 13, 18])(
    "truncated behind record %i, it goes on from there",
    async (kept) => {
      const lab = await openLab();
      const chain = records(20);
      await givenRecords(lab.member, chain);
      const position = chain[kept - 1]?.position ?? CHAIN_START;
      await lab.member.promise(authority(2));
      await lab.member.truncate(authority(2), position, LAB_CLUSTER);
      const others = records(3, { from: position, epoch: 2 });
      for await (const member of beforeAndAfter(lab)) {
        const state = await member.inspect();
        expect(state).toMatchObject({ head: position, base: CHAIN_START, isBlank: false });
        expect(await readAll(member, 1)).toEqual(bytesOf(chain.slice(0, kept)).map(plain));
        expect(
          await codeOf(member.append(authority(2), bytesOf(chain.slice(kept + 1, kept + 2)))),
        ).toBe("Gap");
      }
      const member = await lab.reopen();
      await member.append(authority(2), bytesOf(others));
      expect((await member.inspect()).head).toEqual(last(others).position);
      expect(await readAll(member, kept + 1)).toEqual(bytesOf(others).map(plain));
    },
  );

  test("truncated to its head nothing changes", async () => {
    const lab = await openLab();
    const chain = records(5);
    await givenRecords(lab.member, chain);
    await lab.member.truncate(authority(1), last(chain).position, LAB_CLUSTER);
    expect(await readAll(lab.member, 1)).toEqual(bytesOf(chain).map(plain));
    const member = await lab.reopen();
    await member.truncate(authority(1), last(chain).position, LAB_CLUSTER);
    expect(await readAll(member, 1)).toEqual(bytesOf(chain).map(plain));
  });

  test.each([
    ["ahead of it", { sequence: 50, epoch: 1, digest: "ab".repeat(32) }, LAB_CLUSTER],
    ["on another chain", { sequence: 7, epoch: 1, digest: "cd".repeat(32) }, LAB_CLUSTER],
    ["of another cluster", CHAIN_START, "another"],
  ])("truncated to a position %s, it begins anew there", async (_where, position, clusterId) => {
    const lab = await openLab();
    await givenRecords(lab.member, records(20));
    const own = snapshot(position, 3_000);
    const stranger = snapshot({ sequence: 5, epoch: 1, digest: "ef".repeat(32) }, 3_000);
    await lab.member.writeSnapshot(authority(1), own.info, pieces(own.bytes));
    await lab.member.writeSnapshot(authority(1), stranger.info, pieces(stranger.bytes));
    await lab.member.truncate(authority(1), position, clusterId);
    const chain = records(4, { from: position, epoch: 2 });
    await lab.member.append(authority(1), bytesOf(chain));
    for await (const member of beforeAndAfter(lab)) {
      const state = await member.inspect();
      expect(state).toMatchObject({ head: last(chain).position, base: position, clusterId });
      expect(state.snapshot).toEqual(own.info);
      expect(await readAll(member, position.sequence + 1)).toEqual(bytesOf(chain).map(plain));
      expect(await codeOf(member.read(position.sequence, 1))).toBe("Gap");
    }
  });

  test("a cut forgets whole files of old records, and nothing else", async () => {
    const lab = await openLab();
    const chain = records(60);
    await givenRecords(lab.member, chain, 3);
    const uncut = await lab.member.cut(authority(1), 0);
    expect(uncut).toEqual(await lab.member.inspect());
    expect(uncut.base).toEqual(CHAIN_START);
    const state = await lab.member.cut(authority(1), 40);
    expect(state).toEqual(await lab.member.inspect());
    for await (const member of beforeAndAfter(lab)) {
      const { base, head, remarks } = await member.inspect();
      expect(base.sequence).toBeGreaterThan(20);
      expect(base.sequence).toBeLessThanOrEqual(40);
      expect(base).toEqual(chain[base.sequence - 1]?.position);
      expect(head).toEqual(last(chain).position);
      expect(remarks).toEqual([]);
      expect(await readAll(member, 41)).toEqual(bytesOf(chain.slice(40)).map(plain));
      expect(await codeOf(member.read(base.sequence, 1))).toBe("Gap");
    }
    const member = await lab.reopen();
    await member.promise(authority(2));
    await member.cut(authority(2), 1_000);
    const more = records(2, { from: last(chain).position, epoch: 2 });
    await member.append(authority(2), bytesOf(more));
    expect((await member.inspect()).head).toEqual(last(more).position);
  });

  test("a snapshot reads back, and the newest one is named", async () => {
    const lab = await openLab();
    const chain = records(10);
    await givenRecords(lab.member, chain);
    const [early, late] = [snapshot(at(chain, 3), 700_000), snapshot(at(chain, 8), 2_500_000)];
    await lab.member.writeSnapshot(authority(1), late.info, pieces(late.bytes));
    await lab.member.writeSnapshot(authority(1), early.info, pieces(early.bytes));
    await lab.member.writeSnapshot(authority(1), late.info, pieces(late.bytes));
    for await (const member of beforeAndAfter(lab)) {
      expect((await member.inspect()).snapshot).toEqual(late.info);
      expect((await readSnapshot(member, late.info)).equals(late.bytes)).toBe(true);
      expect((await readSnapshot(member, early.info)).equals(early.bytes)).toBe(true);
    }
    const member = await lab.reopen();
    await member.cut(authority(1), 9);
    expect((await member.inspect()).snapshot).toEqual(late.info);
    expect(await codeOf(readSnapshot(member, early.info))).not.toBe(undefined);
    await member.truncate(authority(1), at(chain, 7), LAB_CLUSTER);
    expect((await member.inspect()).snapshot).toBe(undefined);
  });

  test("a snapshot whose bytes are not those of its digest is Corrupt, and leaves nothing", async () => {
    const lab = await openLab();
    await givenRecords(lab.member, records(3));
    const { info, bytes } = snapshot(at(records(3), 2), 100_000);
    for (const wrong of [bytes.subarray(1), Buffer.concat([bytes, bytes]), Buffer.alloc(100_000)]) {
      const writing = lab.member.writeSnapshot(authority(1), info, pieces(wrong));
      expect(await codeOf(writing)).toBe("Corrupt");
      expect((await lab.member.inspect()).snapshot).toBe(undefined);
    }
    await lab.member.writeSnapshot(authority(1), info, pieces(bytes));
    const other = { ...info, fileDigest: "0".repeat(64) };
    expect(await codeOf(readSnapshot(lab.member, other))).toBe("Corrupt");
  });

  test("a snapshot is written while records are appended", async () => {
    const { member } = await openLab();
    const chain = records(30);
    await givenRecords(member, chain.slice(0, 2));
    const { info, bytes } = snapshot(at(chain, 2), 400_000);
    let appended = 2;
    async function* between(): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces(bytes)) {
        await member.append(authority(1), bytesOf(chain.slice(appended, appended + 1)));
        appended += 1;
        yield piece;
      }
    }
    await member.writeSnapshot(authority(1), info, between());
    expect(appended).toBeGreaterThan(4);
    const state = await member.inspect();
    expect(state).toMatchObject({ head: at(chain, appended), snapshot: info });
  });

  test("the state names the bytes of the records and the newest roster, across files and cuts", async () => {
    const lab = await openLab();
    const chain = records(60, { kinds: (sequence) => (sequence === 5 ? "roster" : "changes") });
    await givenRecords(lab.member, chain, 3);
    const roster = plain(chain[4]?.bytes ?? Buffer.alloc(0)).subarray(56);
    const recordBytes = chain.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { recordBytes: foundBytes } = await lab.member.inspect();
    expect(foundBytes).toBeGreaterThanOrEqual(recordBytes);
    expect(foundBytes).toBeLessThan(recordBytes * 1.1);
    await lab.member.cut(authority(1), 50);
    for await (const member of beforeAndAfter(lab)) {
      const state = await member.inspect();
      expect(plain(state.roster ?? Buffer.alloc(0))).toEqual(roster);
      expect(state.recordBytes).toBeLessThan(recordBytes / 2);
    }
    const member = await lab.reopen();
    await member.promise(authority(2));
    const next = records(1, { from: last(chain).position, epoch: 2, kinds: () => "open" });
    await member.append(authority(2), bytesOf(next));
    const opened = (await member.inspect()).roster ?? Buffer.alloc(0);
    expect(plain(opened)).toEqual(plain(last(next).bytes).subarray(56));
    await member.truncate(authority(2), last(chain).position, LAB_CLUSTER);
    expect(plain((await member.inspect()).roster ?? Buffer.alloc(0))).toEqual(roster);
  });

  test("a closed member is Unavailable; closing twice is no error", async () => {
    const { member } = await openLab();
    await member.close();
    await member.close();
    expect(await codeOf(member.inspect())).toBe("Unavailable");
    expect(await codeOf(member.append(authority(1), bytesOf(records(1))))).toBe("Unavailable");
  });
}

/** The member as it is, and as a process that starts anew finds it. */
async function* beforeAndAfter(lab: MemberLab): AsyncGenerator<JournalMember> {
  yield lab.member;
  yield await lab.reopen();
}
