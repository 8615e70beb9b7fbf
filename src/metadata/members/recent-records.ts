// The records that are needed in memory: those that no quorum holds yet, and, while a member is brought up to date, those
// that came meanwhile. The memory of one that nobody needs any more is given back at once, for at the pace of a busy
// server garbage collection would look through the whole heap several times a second for the sake of records alone.
// Invariant: it is given back only where every member that was given the record said that it holds it. One that failed
// may be writing it still.

import { giveBack } from "../../util/give-back.ts";
import type { ChainRecord, MemberLane } from "./member-lane.ts";

/** More of them are not kept for members that catch up, in bytes. */
const RECENT_BYTES_MAX = 8 * 1024 * 1024;

export class RecentRecord implements ChainRecord {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Members that were given it, and have not said that they hold it. */
  #writerCount = 0;
  #isRemembered = true;

  constructor({ sequence, bytes }: ChainRecord) {
    this.sequence = sequence;
    this.bytes = bytes;
  }

  /** `onEnd` hears once whether it is durable there. */
  pushTo(lane: MemberLane, onEnd?: (isHeld: boolean) => void): void {
    this.#writerCount += 1;
    lane.push(this, (isHeld) => {
      if (isHeld) this.#writerCount -= 1;
      this.#release();
      onEnd?.(isHeld);
    });
  }

  forget(): void {
    this.#isRemembered = false;
    this.#release();
  }

  #release(): void {
    if (!this.#isRemembered && this.#writerCount === 0) giveBack(this.bytes);
  }
}

export class RecentRecords {
  #records: RecentRecord[] = [];
  #sizeBytes = 0;

  add(record: ChainRecord): RecentRecord {
    const recent = new RecentRecord(record);
    this.#records.push(recent);
    this.#sizeBytes += record.bytes.length;
    while (this.#sizeBytes > RECENT_BYTES_MAX && this.#records.length > 1) this.#forgetFirst();
    return recent;
  }

  /** Those behind that place that are still here. */
  after(sequence: number): readonly RecentRecord[] {
    return this.#records.filter((record) => record.sequence > sequence);
  }

  forgetUpTo(sequence: number): void {
    while ((this.#records[0]?.sequence ?? Infinity) <= sequence) this.#forgetFirst();
  }

  #forgetFirst(): void {
    const record = this.#records.shift();
    this.#sizeBytes -= record?.bytes.length ?? 0;
    record?.forget();
  }
}
