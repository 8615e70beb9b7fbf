// The way to one member: records go in order, those that wait go together, so that a slow member takes part with fewer
// and larger appends. After any error the member is out until it has been looked at and brought up to date.

import {
  CHAIN_START,
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalMember,
  type MemberState,
} from "../../journal/journal-member.ts";
import type { MemberReport } from "../metadata-store.ts";

/** Records that wait; a member that lags further behind is out. */
const QUEUED_BYTES_MAX = 64 * 1024 * 1024;
/** Records of one append. */
const APPEND_BYTES_MAX = 16 * 1024 * 1024;

export interface ChainRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export type HeldChain = Pick<MemberState, "base" | "snapshot">;

interface Queued {
  readonly record: ChainRecord;
  readonly onEnd: (isHeld: boolean) => void;
}

export interface LaneEvents {
  /** Its state is another one now. */
  readonly onChange: () => void;
  /** Somebody else has been promised a higher epoch. */
  readonly onFenced: (error: JournalError) => void;
}

export class MemberLane {
  readonly member: JournalMember;
  readonly #authority: Authority;
  readonly #events: LaneEvents;
  #state: MemberReport["state"] = "away";
  #problem: string | undefined;
  #sequence = 0;
  #base = CHAIN_START;
  #snapshotSequence: number | undefined;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #isPumping = false;
  #cut: { readonly sequence: number; readonly onEnd: () => void } | undefined;

  constructor(member: JournalMember, authority: Authority, events: LaneEvents) {
    this.member = member;
    this.#authority = authority;
    this.#events = events;
  }

  get isGood(): boolean {
    return this.#state === "good";
  }

  /** Whether nothing of an earlier time is still on its way. */
  get isQuiet(): boolean {
    return !this.#isPumping;
  }

  /** What stands before its oldest record. */
  get base(): ChainPosition {
    return this.#base;
  }

  get report(): MemberReport {
    const { driveId, label } = this.member;
    const [state, sequence, problem] = [this.#state, this.#sequence, this.#problem];
    return { driveId, label, state, sequence, problem };
  }

  /** Whether the database can be made anew from what it holds alone. */
  get isSufficient(): boolean {
    const { sequence } = this.#base;
    return sequence === 0 || (this.#snapshotSequence ?? 0) >= sequence;
  }

  /** It has a snapshot of that place. */
  noteSnapshot(sequence: number): void {
    this.#snapshotSequence = sequence;
  }

  /** It holds everything from its base up to here: from now on it takes part. */
  join(sequence: number, { base, snapshot }: HeldChain): void {
    this.#sequence = sequence;
    this.#base = base;
    this.#snapshotSequence = snapshot?.sequence;
    this.#problem = undefined;
    this.#become("good");
  }

  /** It is there, and is being brought up to date. */
  noteBehind(): void {
    this.#become("behind");
  }

  leave(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    const queued = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const { onEnd } of queued) onEnd(false);
    this.#endCut();
    this.#become("away");
    if (error instanceof JournalError && error.code === "Fenced") this.#events.onFenced(error);
  }

  /** `onEnd` hears once whether the record is durable there. */
  push(record: ChainRecord, onEnd: (isHeld: boolean) => void): void {
    if (!this.isGood) {
      onEnd(false);
      return;
    }
    this.#queue.push({ record, onEnd });
    this.#queuedBytes += record.bytes.length;
    if (this.#queuedBytes > QUEUED_BYTES_MAX) {
      this.leave(new Error("it takes records too slowly"));
      return;
    }
    if (!this.#isPumping) void this.#pump();
  }

  /** Lets it forget records up to there, between its appends. Resolves when it has, or has left. */
  cut(sequence: number): Promise<void> {
    if (!this.isGood) return Promise.resolve();
    return new Promise((resolve) => {
      this.#endCut();
      this.#cut = { sequence, onEnd: resolve };
      if (!this.#isPumping) void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    while (this.#queue.length > 0 || this.#cut !== undefined) {
      if (this.#cut !== undefined && this.#mayCut(this.#cut.sequence)) {
        await this.#makeCut(this.#cut.sequence);
        this.#endCut();
        continue;
      }
      const batch = this.#takeBatch();
      try {
        await this.member.append(
          this.#authority,
          batch.map(({ record }) => record.bytes),
        );
        this.#sequence = batch.at(-1)?.record.sequence ?? this.#sequence;
        for (const { onEnd } of batch) onEnd(true);
      } catch (error) {
        for (const { onEnd } of batch) onEnd(false);
        this.leave(error);
      }
    }
    this.#isPumping = false;
  }

  /** Under a steady load there is always something in the queue: what it has must be enough. */
  #mayCut(sequence: number): boolean {
    return this.#queue.length === 0 || this.#sequence >= sequence;
  }

  async #makeCut(sequence: number): Promise<void> {
    try {
      const { base } = await this.member.cut(this.#authority, sequence);
      this.#base = base;
    } catch (error) {
      this.leave(error);
    }
  }

  #endCut(): void {
    this.#cut?.onEnd();
    this.#cut = undefined;
  }

  #takeBatch(): readonly Queued[] {
    const batch: Queued[] = [];
    let sizeBytes = 0;
    for (const queued of this.#queue) {
      if (batch.length > 0 && sizeBytes + queued.record.bytes.length > APPEND_BYTES_MAX) break;
      batch.push(queued);
      sizeBytes += queued.record.bytes.length;
    }
    this.#queue = this.#queue.slice(batch.length);
    this.#queuedBytes -= sizeBytes;
    return batch;
  }

  #become(state: MemberReport["state"]): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#events.onChange();
  }
}
