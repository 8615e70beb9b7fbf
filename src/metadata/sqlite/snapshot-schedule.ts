// When a snapshot is taken: once the records since the last one have grown to the size of the database, or when so few members
// could make the database anew by themselves that losing them would lose it: others began their chains anew. It is made and
// copied in a thread of its own, so that groups go on; then the chain is cut before it, on every member.

import { statSync } from "node:fs";
import { crashPoint } from "../../util/crash-point.ts";
import { inHaste } from "../../util/lab-haste.ts";
import type { MemberGroup } from "../members/member-group.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import { takeSnapshot } from "./take-snapshot.ts";
import { messageOf } from "./write-protocol.ts";

/** Fewer bytes of records are never worth a snapshot. */
const RECORD_BYTES_MIN = inHaste(64 * 1024 * 1024);
/** The database is looked at again when so many more bytes have been recorded: asking it costs as much as a small group. */
const LOOK_BYTES = 1024 * 1024;
/** Where room is short even the records of a small database are worth one. */
const RECORD_BYTES_SHORT = 256 * 1024;
/** What it may take of the room that is left there. */
const ROOM_SHARE_MAX = 0.5;
const COPY_BYTES_PER_SECOND = 64 * 1024 * 1024;
/** After one that failed. */
const FAILURE_WAIT_MS = 60_000;
const FAILURE_WAIT_SHORT_MS = 5_000;

export interface SnapshotScheduleOptions {
  readonly databasePath: string;
  /** Bytes that a snapshot would have now, more or less. */
  readonly liveBytes: () => number;
  readonly group: MemberGroup;
  /** So many members must hold a snapshot before the chain is cut: m + 1. */
  readonly copies: number;
  readonly specs: () => readonly MemberSpec[];
  readonly onProblem: (message: string) => void;
  readonly recordBytesMin?: number | undefined;
}

export class SnapshotSchedule {
  readonly #options: SnapshotScheduleOptions;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #failedAt = -Infinity;
  /** Before there are so many bytes of records none is worth it. */
  #lookAtBytes = 0;

  constructor(options: SnapshotScheduleOptions) {
    this.#options = options;
  }

  /** Called at the start and after each group. */
  noteGroup(): void {
    const { group, copies, recordBytesMin = RECORD_BYTES_MIN } = this.#options;
    if (!this.#mayBegin(FAILURE_WAIT_MS)) return;
    const isLacking = group.sufficientCount < copies && group.goodMembers.length >= copies;
    if (isLacking || this.#isLargeEnough(recordBytesMin)) this.#begin();
  }

  /** Where room is short, and so much is left: whether one is being taken now, behind which records will be cut. */
  makeRoom(freeBytes: number): boolean {
    const { copies, liveBytes, recordBytesMin = RECORD_BYTES_SHORT } = this.#options;
    if (this.#running !== undefined) return true;
    // All copies may lie on one disk, and what is left there is for deletes first.
    if (liveBytes() * (copies + 1) > freeBytes * ROOM_SHARE_MAX) return false;
    const isWorthIt = this.#isWorthIt(Math.min(RECORD_BYTES_SHORT, recordBytesMin));
    if (!isWorthIt || !this.#mayBegin(FAILURE_WAIT_SHORT_MS)) return false;
    this.#begin();
    return true;
  }

  /** As `#isWorthIt`, not asked at every group. */
  #isLargeEnough(recordBytesMin: number): boolean {
    const { recordBytes } = this.#options.group;
    if (recordBytes < Math.max(recordBytesMin, this.#lookAtBytes)) return false;
    const isWorthIt = this.#isWorthIt(recordBytesMin);
    this.#lookAtBytes = recordBytes + Math.min(LOOK_BYTES, recordBytesMin);
    return isWorthIt;
  }

  #isWorthIt(recordBytesMin: number): boolean {
    const { databasePath, group, liveBytes } = this.#options;
    if (group.recordBytes < recordBytesMin) return false;
    const fileBytes = statSync(databasePath, { throwIfNoEntry: false })?.size ?? 0;
    return group.recordBytes >= Math.min(fileBytes, liveBytes());
  }

  #mayBegin(failureWaitMs: number): boolean {
    if (this.#running !== undefined || this.#abort.signal.aborted) return false;
    return performance.now() >= this.#failedAt + failureWaitMs;
  }

  #begin(): void {
    this.#lookAtBytes = 0;
    this.#running = this.#take().finally(() => (this.#running = undefined));
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** Never rejects. */
  async #take(): Promise<void> {
    const { databasePath, group, copies, specs, onProblem } = this.#options;
    const atStart = group.recordBytes;
    const good = new Set(group.goodMembers.map(({ driveId }) => driveId));
    try {
      const { info, driveIds } = await takeSnapshot({
        databasePath,
        members: specs().filter(({ driveId }) => good.has(driveId)),
        authority: group.authority,
        copies,
        bytesPerSecond: COPY_BYTES_PER_SECOND,
        signal: this.#abort.signal,
      });
      crashPoint("snapshot.kept");
      group.noteSnapshot(driveIds, info.sequence);
      // What says who the members are must not be cut off with the rest.
      await group.appendRoster();
      void group.cut(info.sequence);
      group.noteCut(atStart);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failedAt = performance.now();
      onProblem(`no snapshot of the metadata could be kept: ${messageOf(error)}`);
    }
  }
}
