// Finds records in the chain of segments.

import { DiskError, type Disk } from "../disk/disk.ts";
import { JournalError, type ChainPosition } from "./journal-member.ts";
import { isSamePosition, positionOf } from "./journal-record.ts";
import type { JournalView } from "./journal-view.ts";
import { JOURNAL_FOLDER } from "./promise-file.ts";
import { rosterAfter, SegmentReader, type RecordPlace, type Segment } from "./segment.ts";

export interface FoundPlace {
  readonly place: RecordPlace;
  /** Of the segment, in the chain. */
  readonly index: number;
}

/**
 * Records from `sequence` on: at least one, and no more than about `bytesMax`; none when the chain ends before it.
 * @throws JournalError Gap when it lies before the base, Corrupt when it is not intact any more. @throws DiskError
 */
export async function readRecords(
  disk: Disk,
  journal: JournalView,
  sequence: number,
  bytesMax: number,
): Promise<readonly Uint8Array[]> {
  const { base, head, segments } = journal;
  if (sequence <= base.sequence) {
    throw new JournalError("Gap", `${disk.root}: record ${sequence} lies before its journal`);
  }
  if (sequence > head.sequence) return [];
  const found: Uint8Array[] = [];
  let leftBytes = bytesMax;
  const first = segments.findLastIndex(({ header }) => header.base.sequence < sequence);
  for (const segment of segments.slice(first)) {
    await eachRecord(disk, segment, sequence, (bytes) => {
      if (found.length > 0 && bytes.length > leftBytes) leftBytes = 0;
      else found.push(bytes);
      leftBytes -= bytes.length;
      return leftBytes > 0;
    });
    if (leftBytes <= 0) break;
  }
  return found;
}

/** Where that position is; undefined: the chain does not pass there. @throws DiskError */
export async function findPlace(
  disk: Disk,
  { segments }: JournalView,
  position: ChainPosition,
): Promise<FoundPlace | undefined> {
  const { sequence } = position;
  const index = segments.findLastIndex(({ header }) => header.base.sequence <= sequence);
  const segment = segments[index];
  if (segment === undefined || segment.end.position.sequence < sequence) return undefined;
  const place = await placeAfter(disk, segment, sequence);
  return isSamePosition(place.position, position) ? { place, index } : undefined;
}

/** The place behind the record of that number, or the last one before it that is intact. */
async function placeAfter(disk: Disk, segment: Segment, sequence: number): Promise<RecordPlace> {
  if (segment.end.position.sequence === sequence) return segment.end;
  let place = segment.placeBefore(sequence + 1);
  if (place.position.sequence === sequence) return place;
  const file = await disk.open(pathOf(segment));
  try {
    const reader = new SegmentReader(file, place, segment.end.offset);
    for (let records = await reader.next(); records.length > 0; records = await reader.next()) {
      for (const [index, record] of records.entries()) {
        const offset = reader.ends[index] ?? reader.place.offset;
        place = { offset, position: positionOf(record), roster: rosterAfter(place, [record]) };
        if (record.sequence === sequence) return place;
      }
    }
    return place;
  } finally {
    await file.close();
  }
}

/** Calls `take` with the records from `sequence` on, until it returns false. */
async function eachRecord(
  disk: Disk,
  segment: Segment,
  sequence: number,
  take: (bytes: Uint8Array) => boolean,
): Promise<void> {
  const { end } = segment;
  const file = await open(disk, segment);
  try {
    const reader = new SegmentReader(file, segment.placeBefore(sequence), end.offset);
    for (let records = await reader.next(); records.length > 0; records = await reader.next()) {
      for (const record of records) {
        if (record.sequence >= sequence && !take(record.bytes)) return;
      }
    }
    if (reader.place.offset === end.offset) return;
    const at = `${disk.root}/${pathOf(segment)}, byte ${reader.place.offset}`;
    throw new JournalError("Corrupt", `${at}: ${reader.stop ?? "it is shorter than it was"}`);
  } finally {
    await file.close();
  }
}

async function open(disk: Disk, segment: Segment) {
  try {
    return await disk.open(pathOf(segment));
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== "ENOENT") throw error;
    // It was cut off or set aside since: whoever reads looks again at what there is.
    const message = `${disk.root}/${pathOf(segment)} is gone`;
    throw new JournalError("Unavailable", message, { cause: error });
  }
}

function pathOf({ name }: Segment): string {
  return `${JOURNAL_FOLDER}/${name}`;
}
