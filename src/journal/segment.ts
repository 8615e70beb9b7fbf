// What is known of a segment that belongs to the chain, and how its records are read: in pieces of bounded size, each
// record checked against the one before.

import type { ReadFile } from "../disk/disk.ts";
import type { ChainPosition } from "./journal-member.ts";
import { isRosterKind, parseRecords, positionOf, type JournalRecord } from "./journal-record.ts";
import type { SegmentHeader } from "./segment-header.ts";
import { hasMark, MARK_BYTES, markSalt } from "./sync-mark.ts";

/** A place between two records. */
export interface RecordPlace {
  readonly offset: number;
  /** Of the record before it. */
  readonly position: ChainPosition;
  /** Who the members are, as of there: see MemberState. */
  readonly roster: Uint8Array | undefined;
}

const READ_BYTES = 1024 * 1024;
/** About so far apart are the places that are remembered, so that a record in the middle is found without reading all. */
const PLACE_EVERY_BYTES = 256 * 1024;

export class Segment {
  readonly name: string;
  readonly header: SegmentHeader;
  /** Of its marks. */
  readonly salt: string;
  /** In ascending order; the first is the beginning. */
  readonly #marks: RecordPlace[];
  #end: RecordPlace;

  constructor(name: string, header: SegmentHeader, start: Omit<RecordPlace, "position">) {
    this.name = name;
    this.header = header;
    this.salt = markSalt(name, header.authority.owner);
    this.#end = { ...start, position: header.base };
    this.#marks = [this.#end];
  }

  get start(): RecordPlace {
    return this.#marks[0] ?? this.#end;
  }

  /** Behind its last record that counts. */
  get end(): RecordPlace {
    return this.#end;
  }

  /** Says that it goes on, or has been cut short, to that place. */
  endAt(place: RecordPlace): void {
    while (this.#marks.length > 1 && (this.#marks.at(-1)?.offset ?? 0) > place.offset) {
      this.#marks.pop();
    }
    if (place.offset - (this.#marks.at(-1)?.offset ?? 0) >= PLACE_EVERY_BYTES)
      this.#marks.push(place);
    this.#end = place;
  }

  /** A known place at or before the record of that number. */
  placeBefore(sequence: number): RecordPlace {
    return this.#marks.findLast(({ position }) => position.sequence < sequence) ?? this.start;
  }
}

/** The roster as of behind those records, which stand behind `place`. */
export function rosterAfter(
  place: RecordPlace,
  records: readonly RosterRecord[],
): Uint8Array | undefined {
  const record = records.findLast(({ kind }) => isRosterKind(kind));
  // A copy: else a few bytes would hold on to the piece that was read.
  return record === undefined ? place.roster : Buffer.from(record.payload);
}

type RosterRecord = Pick<JournalRecord, "kind" | "payload">;

/** Reads on from a place; never beyond `endOffset`. */
export class SegmentReader {
  readonly #file: ReadFile;
  readonly #endOffset: number;
  #place: RecordPlace;
  #stop: string | undefined;
  #ends: readonly number[] = [];

  constructor(file: ReadFile, from: RecordPlace, endOffset: number) {
    this.#file = file;
    this.#place = from;
    this.#endOffset = endOffset;
  }

  /** Behind the last record read. */
  get place(): RecordPlace {
    return this.#place;
  }

  /** Where each of the records that `next` gave last ends. */
  get ends(): readonly number[] {
    return this.#ends;
  }

  /** Why it did not come to the end; undefined: it has, or has not tried yet. */
  get stop(): string | undefined {
    return this.#stop;
  }

  /** The next records; none when there are no further ones. @throws DiskError */
  async next(): Promise<readonly JournalRecord[]> {
    let wanted = READ_BYTES;
    while (this.#stop === undefined && this.#place.offset < this.#endOffset) {
      const left = this.#endOffset - this.#place.offset;
      const buffer = Buffer.allocUnsafe(Math.min(wanted, left));
      const count = await this.#file.read(buffer, this.#place.offset);
      const { records, ends, usedBytes, stop } = parseRecords(
        buffer.subarray(0, count),
        this.#place.position,
      );
      const last = records.at(-1);
      if (last !== undefined) {
        const { offset } = this.#place;
        this.#ends = ends.map((end) => offset + end);
        this.#place = {
          offset: offset + usedBytes,
          position: positionOf(last),
          roster: rosterAfter(this.#place, records),
        };
        return records;
      }
      if (stop?.kind === "incomplete" && count === buffer.length && stop.bytesNeeded <= left) {
        wanted = Math.max(stop.bytesNeeded, READ_BYTES);
        if (wanted > count) continue;
      }
      this.#stop = stop?.kind === "broken" ? stop.why : "it ends within a record";
    }
    return [];
  }
}

/** Whether a mark of the segment stands at or behind that offset: then what is before the mark was once durable. */
export async function hasMarkFrom(
  file: ReadFile,
  segment: Segment,
  offset: number,
): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let from = offset; from < file.sizeBytes; from += READ_BYTES - MARK_BYTES) {
    const count = await file.read(buffer, from);
    if (hasMark(buffer.subarray(0, count), from, segment.salt)) return true;
    if (count < buffer.length) return false;
  }
  return false;
}
