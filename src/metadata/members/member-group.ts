// All members of one epoch: a change is durable when a quorum of them holds it. Members that fail are left out, looked
// at again every few seconds, and brought up to date beside the stream of new records.

import type { DriveId } from "../../core/ids.ts";
import {
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalMember,
  type MemberState,
} from "../../journal/journal-member.ts";
import { encodeRecord, RECORD_KIND } from "../../journal/journal-record.ts";
import type { JournalReport } from "../metadata-store.ts";
import { bringUp } from "./bring-up.ts";
import { ChainSource } from "./chain-source.ts";
import { MemberLane, type HeldChain } from "./member-lane.ts";
import { RecentRecords, type RecentRecord } from "./recent-records.ts";
import { renderRoster, writeQuorum, type Roster } from "./roster.ts";

/** How often members that are out are looked at. */
const RETRY_MS = 2_000;
/** How often a member is brought to the end of a chain that has grown meanwhile. */
const ROUNDS_MAX = 20;

/** Too few members hold the change: nobody knows yet whether it will stand. */
export class QuorumLostError extends Error {
  override readonly name = "QuorumLostError";
}

export interface MemberGroupOptions {
  readonly authority: Authority;
  readonly clusterId: string;
  readonly roster: Roster;
  /** What the members hold that have joined. */
  readonly position: ChainPosition;
  /** Bytes of the records that they hold. */
  readonly recordBytes: number;
  readonly onReport: (report: JournalReport) => void;
  /** How often members that are out are looked at. */
  readonly retryMs?: number | undefined;
}

export class MemberGroup {
  readonly #options: MemberGroupOptions;
  readonly #lanes: MemberLane[] = [];
  #position: ChainPosition;
  /** Up to here a quorum holds the chain. */
  #held: ChainPosition;
  readonly #recent = new RecentRecords();
  #recordBytes: number;
  #cutting: Promise<void> = Promise.resolve();
  #lost: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReportDue = false;
  readonly #catchingUp = new Set<MemberLane>();

  constructor(options: MemberGroupOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#held = options.position;
    this.#recordBytes = options.recordBytes;
  }

  get position(): ChainPosition {
    return this.#position;
  }

  get authority(): Authority {
    return this.#options.authority;
  }

  /** Members that hold everything. */
  get goodMembers(): readonly JournalMember[] {
    return this.#lanes
      .filter((lane) => lane.isGood && this.#isMember(lane))
      .map(({ member }) => member);
  }

  /** How many members are enough by themselves to make the database anew. */
  get sufficientCount(): number {
    return this.#lanes.filter((lane) => lane.isGood && lane.isSufficient && this.#isMember(lane))
      .length;
  }

  /** They have taken a snapshot of that place. */
  noteSnapshot(driveIds: readonly DriveId[], sequence: number): void {
    for (const lane of this.#lanes) {
      if (driveIds.includes(lane.member.driveId)) lane.noteSnapshot(sequence);
    }
  }

  /** Bytes of records since the last cut, more or less. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  noteCut(recordBytes: number): void {
    this.#recordBytes -= recordBytes;
  }

  /**
   * Lets every member forget records up to there, between its appends; one after the other, for a member that is
   * cut appends nothing meanwhile, and writes go on only while a quorum does. Resolves when all have, or have left.
   */
  cut(sequence: number): Promise<void> {
    const lanes = [...this.#lanes];
    const cutEach = async (): Promise<void> => {
      for (const lane of lanes) if (this.#lost === undefined) await lane.cut(sequence);
    };
    this.#cutting = this.#cutting.then(cutEach);
    return this.#cutting;
  }

  /** `held`: it holds everything up to the group's position; undefined: it is brought there. */
  add(member: JournalMember, held: HeldChain | undefined): void {
    const { roster } = this.#options;
    const isKnown = this.#lanes.some((lane) => lane.member.driveId === member.driveId);
    if (!roster.members.includes(member.driveId) || isKnown) return;
    const lane = this.#addLane(member);
    if (held !== undefined) lane.join(this.#position.sequence, held);
    this.#retryLater();
  }

  #addLane(member: JournalMember): MemberLane {
    const lane = new MemberLane(member, this.authority, {
      onChange: () => this.#reportSoon(),
      onFenced: (error) => (this.#lost ??= error),
    });
    this.#lanes.push(lane);
    return lane;
  }

  /** Whether it has a say: others only learn. */
  #isMember({ member }: MemberLane): boolean {
    return this.#options.roster.members.includes(member.driveId);
  }

  /**
   * Resolves when a quorum holds the change, and what comes after the group's position with it.
   * @throws QuorumLostError, JournalError Fenced: then the group is of no more use.
   */
  async append(kind: number, payload: readonly Uint8Array[]): Promise<ChainPosition> {
    if (this.#lost !== undefined) throw this.#lost;
    const { epoch } = this.authority;
    const sequence = this.#position.sequence + 1;
    const previousDigest = this.#position.digest;
    const { bytes, digest } = encodeRecord({ sequence, epoch, kind, previousDigest, payload });
    this.#position = { sequence, epoch, digest };
    this.#recordBytes += bytes.length;
    const position = this.#position;
    await this.#spread(this.#recent.add({ sequence, bytes }));
    this.#held = position;
    this.#forgetHeld();
    this.#reportSoon();
    return position;
  }

  /** Says once more who the members are, so that the chain may be cut before. */
  async appendRoster(): Promise<ChainPosition> {
    const { members, toleratedCount } = this.#options.roster;
    return this.append(RECORD_KIND.roster, [renderRoster({ members, toleratedCount })]);
  }

  report(): JournalReport {
    const { authority, roster } = this.#options;
    const reports = new Map(this.#lanes.map(({ report }) => [report.driveId, report]));
    return {
      epoch: authority.epoch,
      sequence: this.#position.sequence,
      quorum: writeQuorum(roster),
      members: roster.members.map(
        (driveId) =>
          reports.get(driveId) ?? {
            driveId,
            label: driveId,
            state: "away",
            sequence: 0,
            problem: "its drive is not there",
          },
      ),
    };
  }

  get roster(): Roster {
    return this.#options.roster;
  }

  /** A drive that is to be a member of the next epoch is brought up to date, and kept so. It has no say in this one. */
  learn(member: JournalMember): void {
    if (this.#lanes.some((lane) => lane.member.driveId === member.driveId)) return;
    this.#addLane(member);
    this.#retryLater();
  }

  /** Whether it holds all that was appended, but for what is under way. */
  isUpToDate(driveId: DriveId): boolean {
    return this.#lanes.some(({ isGood, member }) => isGood && member.driveId === driveId);
  }

  /** What its drive was is gone; another may be added under the same id. */
  drop(driveId: DriveId): void {
    const at = this.#lanes.findIndex((lane) => lane.member.driveId === driveId);
    const [lane] = at < 0 ? [] : this.#lanes.splice(at, 1);
    lane?.leave(new Error("its drive was replaced"));
  }

  /** No more is appended; the members stay open for whoever opened them. */
  end(): void {
    this.#lost ??= new Error("the group has ended");
    clearTimeout(this.#timer);
  }

  #spread(record: RecentRecord): Promise<void> {
    const needed = writeQuorum(this.#options.roster);
    const good = this.#lanes.filter(({ isGood }) => isGood);
    const lanes = good.filter((lane) => this.#isMember(lane));
    for (const lane of good) if (!lanes.includes(lane)) record.pushTo(lane);
    return new Promise((resolve, reject) => {
      let heldCount = 0;
      let failedCount = 0;
      const lose = (): void => {
        const words = `${heldCount} of ${needed} members hold the change: ${this.#problems()}`;
        // A fence, where there is one, says more.
        this.#lost ??= new QuorumLostError(words);
        reject(this.#lost);
      };
      if (lanes.length < needed) lose();
      for (const lane of lanes) {
        record.pushTo(lane, (isHeld) => {
          if (isHeld) heldCount += 1;
          else failedCount += 1;
          if (heldCount >= needed) resolve();
          else if (lanes.length - failedCount < needed) lose();
        });
      }
    });
  }

  #problems(): string {
    const reports = this.report().members.filter(({ state }) => state !== "good");
    return reports.map(({ label, problem = "behind" }) => `${label} (${problem})`).join(", ");
  }

  /** What a quorum holds nobody needs from memory, but who is being brought up to date. */
  #forgetHeld(): void {
    if (this.#catchingUp.size === 0) this.#recent.forgetUpTo(this.#held.sequence);
  }

  #retryLater(): void {
    if (this.#timer !== undefined || this.#lost !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const isAnyOut = this.#lanes.some(({ isGood }) => !isGood);
      for (const lane of this.#lanes) {
        if (lane.isGood || !lane.isQuiet || this.#catchingUp.has(lane)) continue;
        this.#catchingUp.add(lane);
        void this.#catchUp(lane).finally(() => this.#noteCaughtUp(lane));
      }
      if (isAnyOut) this.#retryLater();
    }, this.#options.retryMs ?? RETRY_MS);
    this.#timer.unref();
  }

  #noteCaughtUp(lane: MemberLane): void {
    this.#catchingUp.delete(lane);
    this.#forgetHeld();
  }

  /** Never rejects. */
  async #catchUp(lane: MemberLane): Promise<void> {
    const { authority, clusterId } = this.#options;
    const { member } = lane;
    try {
      await this.#promise(member);
      lane.noteBehind();
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        const target = this.#held;
        const source = this.#source(target);
        const state = await member.inspect();
        await bringUp({ member, state, source, target, authority, clusterId });
        if (this.#join(lane, target, await member.inspect())) return;
      }
      throw new Error("the chain grows faster than the member catches up");
    } catch (error) {
      lane.leave(error);
    }
  }

  async #promise(member: JournalMember): Promise<void> {
    const { promised } = await member.inspect();
    const { epoch, owner } = this.authority;
    if (promised?.epoch === epoch && promised.owner === owner) return;
    await member.promise(this.authority);
  }

  /** The members that have the chain up to there; reading from them goes on beside their appends. */
  #source(head: ChainPosition): ChainSource {
    const [first, ...others] = this.#lanes
      .filter(({ isGood, report }) => isGood && report.sequence >= head.sequence)
      .map(({ member, base }) => ({ member, base, head }));
    if (first === undefined) throw new Error("no member has the whole chain");
    return new ChainSource([first, ...others]);
  }

  /** Takes the member in when what it lacks is still in memory: it goes through its queue. */
  #join(lane: MemberLane, at: ChainPosition, state: MemberState): boolean {
    const missing = this.#recent.after(at.sequence);
    if (at.sequence + missing.length !== this.#position.sequence) return false;
    lane.join(at.sequence, state);
    for (const record of missing) record.pushTo(lane);
    return true;
  }

  #reportSoon(): void {
    this.#retryLater();
    if (this.#isReportDue) return;
    this.#isReportDue = true;
    const timer = setTimeout(() => {
      this.#isReportDue = false;
      if (this.#lost === undefined) this.#options.onReport(this.report());
    }, 200);
    timer.unref();
  }
}

/** Whether another process has taken over. */
export function isFenced(error: unknown): boolean {
  return error instanceof JournalError && error.code === "Fenced";
}
