// When a snapshot is taken: once the records since the last one have grown to half of the database, or when so few members
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
const COPY_BYTES_PER_SECOND = 64 * 1024 * 1024;
/** After one that failed. */
const FAILURE_WAIT_MS = 60_000;

export interface SnapshotScheduleOptions {
  readonly databasePath: string;
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
  #notBefore = 0;

  constructor(options: SnapshotScheduleOptions) {
    this.#options = options;
  }

  /** Called at the start and after each group. */
  noteGroup(): void {
    const { group, copies, recordBytesMin = RECORD_BYTES_MIN } = this.#options;
    const isLacking = group.sufficientCount < copies && group.goodMembers.length >= copies;
    if (this.#running !== undefined || (group.recordBytes < recordBytesMin && !isLacking)) return;
    if (this.#abort.signal.aborted || performance.now() < this.#notBefore) return;
    if (!isLacking && group.recordBytes < this.#databaseBytes() / 2) return;
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
      group.cut(info.sequence);
      group.noteCut(atStart);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#notBefore = performance.now() + FAILURE_WAIT_MS;
      onProblem(`no snapshot of the metadata could be kept: ${messageOf(error)}`);
    }
  }

  #databaseBytes(): number {
    return statSync(this.#options.databasePath, { throwIfNoEntry: false })?.size ?? 0;
  }
}
