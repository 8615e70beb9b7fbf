// What a process knows of a member's journal: first what a scan found, then what it did itself since.

import {
  CHAIN_START,
  type Authority,
  type ChainPosition,
  type MemberState,
  type SnapshotInfo,
} from "./journal-member.ts";
import { positionOf } from "./journal-record.ts";
import type { JournalScan } from "./scan-journal.ts";
import { parseSegmentName } from "./segment-header.ts";
import type { Segment } from "./segment.ts";

export class JournalView {
  readonly #scan: JournalScan;
  #segments: readonly Segment[];
  #snapshots: readonly SnapshotInfo[];
  #strays: readonly string[];
  #cutOff: readonly string[];
  #highestNumber: number;
  #firstNumber: number;
  #promised: Authority | undefined;
  #isIncomplete: boolean;

  constructor(scan: JournalScan) {
    this.#scan = scan;
    this.#segments = scan.segments;
    this.#snapshots = scan.snapshots;
    this.#strays = scan.strays;
    this.#cutOff = scan.cutOff;
    this.#highestNumber = scan.highestNumber;
    this.#firstNumber = scan.firstNumber;
    this.#promised = scan.promised;
    this.#isIncomplete = scan.isDamaged || this.last?.header.isIncomplete === true;
  }

  get promised(): Authority | undefined {
    return this.#promised;
  }

  /** See MemberState. */
  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  noteIncomplete(isIncomplete: boolean): void {
    this.#isIncomplete = isIncomplete;
  }

  get firstNumber(): number {
    return this.#firstNumber;
  }

  get isPromiseDamaged(): boolean {
    return this.#scan.isPromiseDamaged;
  }

  /** What interrupted writes of an earlier process left. */
  get temporaries(): readonly string[] {
    return this.#scan.temporaries;
  }

  /** The chain, oldest first. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get last(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** Whole snapshots, the newest first. */
  get snapshots(): readonly SnapshotInfo[] {
    return this.#snapshots;
  }

  get base(): ChainPosition {
    return this.#segments[0]?.header.base ?? CHAIN_START;
  }

  get head(): ChainPosition {
    return this.last?.end.position ?? CHAIN_START;
  }

  get clusterId(): string | undefined {
    return this.last?.header.clusterId;
  }

  state(): MemberState {
    return {
      promised: this.#promised,
      head: positionOf(this.head),
      base: positionOf(this.base),
      snapshot: this.#snapshots[0],
      recordBytes: this.#segments.reduce(
        (sum, { start, end }) => sum + end.offset - start.offset,
        0,
      ),
      isBlank: this.#segments.length === 0,
      isIncomplete: this.#segments.length > 0 && this.#isIncomplete,
      clusterId: this.clusterId,
      roster: this.last?.end.roster,
      remarks: this.#scan.remarks,
    };
  }

  notePromise(authority: Authority): void {
    this.#promised = authority;
  }

  /** A number that no segment has had. */
  takeNumber(): number {
    this.#highestNumber += 1;
    return this.#highestNumber;
  }

  /** Puts a segment in the place of those from `index` on; returns them. */
  replaceFrom(index: number, segment: Segment): readonly Segment[] {
    const replaced = this.#segments.slice(index);
    this.#segments = [...this.#segments.slice(0, index), segment];
    return replaced;
  }

  /** Lets go of the segments before `index`; returns their names. */
  cutBefore(index: number): readonly string[] {
    const cutOff = this.#segments.slice(0, index);
    this.#segments = this.#segments.slice(index);
    this.#firstNumber = firstNumberOf(this.#segments) ?? this.#firstNumber;
    return cutOff.map(({ name }) => name);
  }

  /** What `cutBefore` would make of the first number. */
  firstNumberFrom(index: number): number {
    return firstNumberOf(this.#segments.slice(index)) ?? this.#firstNumber;
  }

  /** Files that are not in the chain, to be put aside; asked once. */
  takeStrays(): readonly string[] {
    const strays = this.#strays;
    this.#strays = [];
    return strays;
  }

  /** Files that a cut before has let go, to be removed; asked once. */
  takeCutOff(): readonly string[] {
    const cutOff = this.#cutOff;
    this.#cutOff = [];
    return cutOff;
  }

  /** What is there now: another thread may have written one. */
  noteSnapshots(snapshots: readonly SnapshotInfo[]): void {
    this.#snapshots = snapshots;
  }
}

function firstNumberOf([first]: readonly Segment[]): number | undefined {
  return first === undefined ? undefined : parseSegmentName(first.name)?.number;
}
