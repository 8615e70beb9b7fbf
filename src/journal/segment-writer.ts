// Changes the chain of a member: appends to its last segment, begins others, takes its end away.
// Invariant: `synced` is known to be durable; what stands behind it in the last segment is written again before more is
// appended, since pages that the kernel still shows may be lost with the next power cut. After an error the writer knows
// nothing but that: `abandon` it, scan anew.

import type { AppendFile, Disk } from "../disk/disk.ts";
import { crashPoint } from "../util/crash-point.ts";
import { JournalError, type Authority, type ChainPosition } from "./journal-member.ts";
import {
  isNextAfter,
  isRosterKind,
  isSamePosition,
  positionOf,
  RECORD_HEADER_BYTES,
  recordHead,
} from "./journal-record.ts";
import type { JournalView } from "./journal-view.ts";
import { JOURNAL_FOLDER } from "./promise-file.ts";
import type { FoundPlace } from "./read-records.ts";
import type { RecordPlace, Segment } from "./segment.ts";
import type { SegmentHeader } from "./segment-header.ts";
import { encodeMark, MARK_BYTES } from "./sync-mark.ts";
import { keepTail, setAside } from "./set-aside.ts";
import {
  writeSegment,
  type CopiedRange,
  type OpenSegment,
  type WriteSegmentOptions,
} from "./write-segment.ts";

export interface SegmentWriterOptions {
  readonly disk: Disk;
  readonly driveId: string;
  readonly label: string;
  /** A segment of that size is followed by another. */
  readonly segmentBytesMax: number;
}

/**
 * The last segment is never cut off: it is to be a small part of the chain, so that cutting gives back most of it, and
 * large enough that beginning another is rare.
 */
const SEGMENT_SHARE = 1 / 8;
const SEGMENT_BYTES_LEAST = 512 * 1024;

export interface Truncation {
  readonly position: ChainPosition;
  readonly clusterId: string;
  /** Where that position is in the chain; undefined: nowhere. */
  readonly found: FoundPlace | undefined;
}

interface Synced {
  readonly name: string;
  readonly place: RecordPlace;
}

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #disk: Disk;
  /** Of the chain's last segment; undefined: the next append begins another one. */
  #file: AppendFile | undefined;
  #synced: Synced | undefined;
  /** The size at which the open segment is followed by another. */
  #fullBytes = 0;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.#disk = options.disk;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** @throws JournalError Gap, Corrupt. @throws DiskError */
  async append(
    journal: JournalView,
    authority: Authority,
    records: readonly Uint8Array[],
  ): Promise<void> {
    const end = this.#followedBy(journal, records);
    if (records.length === 0) return;
    const isFull = (journal.last?.end.offset ?? 0) >= this.#fullBytes;
    const isOpen = this.#file !== undefined && !isFull;
    if (!isOpen) await this.begin(journal, authority);
    const { last } = journal;
    if (this.#file === undefined || last === undefined) throw this.#blank();
    const mark = encodeMark(last.end.offset, last.salt);
    await this.#file.append([mark, ...records]);
    crashPoint("journal.appended");
    await this.#file.sync();
    crashPoint("journal.synced");
    const sizeBytes = records.reduce((sum, { length }) => sum + length, MARK_BYTES);
    this.#noteSynced(last, { ...end, offset: last.end.offset + sizeBytes });
  }

  /** Begins a segment behind the last one; with what may not be durable of that. */
  async begin(journal: JournalView, authority: Authority): Promise<void> {
    const { last } = journal;
    if (last === undefined) throw this.#blank();
    const from = this.#durablePlace(last);
    const isReplacing = from.offset === last.start.offset;
    const header: SegmentHeader = {
      clusterId: last.header.clusterId,
      driveId: this.#options.driveId,
      authority,
      base: positionOf(from.position),
      follows: isReplacing ? last.header.follows : { name: last.name, endOffset: from.offset },
      isIncomplete: journal.isIncomplete || undefined,
    };
    const copied = { segment: last, from, to: last.end };
    const opened = await this.#write(journal, { header, roster: from.roster, copied });
    const count = journal.segments.length;
    const replaced = journal.replaceFrom(isReplacing ? count - 1 : count, opened.segment);
    if (!isReplacing) last.endAt(from);
    await setAside(this.#disk, journal.takeStrays());
    for (const segment of replaced) await keepTail(this.#disk, segment);
    await this.#remove([...replaced.map(({ name }) => name), ...journal.takeCutOff()]);
  }

  /**
   * Takes away what comes behind `found`, or all, to begin anew at `position`. At its head it is whole from now on.
   * Snapshots are not its concern.
   */
  async truncate(
    journal: JournalView,
    authority: Authority,
    { position, clusterId, found }: Truncation,
  ): Promise<void> {
    if (found !== undefined && isSamePosition(position, journal.head)) {
      const wasIncomplete = journal.isIncomplete;
      journal.noteIncomplete(false);
      if (this.#file === undefined || wasIncomplete) await this.begin(journal, authority);
      return;
    }
    if (found === undefined) journal.noteIncomplete(true);
    const isIncomplete = journal.isIncomplete || undefined;
    const { driveId } = this.#options;
    const base = positionOf(position);
    const anew = { clusterId, driveId, authority, base, follows: undefined, isIncomplete };
    const kept = found === undefined ? undefined : rangeUpTo(journal, found);
    const opened = await (kept === undefined
      ? this.#write(journal, { header: anew, roster: undefined })
      : this.#write(journal, {
          header: {
            ...kept.segment.header,
            authority,
            isIncomplete,
            follows: followed(journal, found),
          },
          roster: kept.from.roster,
          copied: kept,
        }));
    const replaced = journal.replaceFrom(found?.index ?? 0, opened.segment);
    const strays = [...replaced.map(({ name }) => name), ...journal.takeStrays()];
    await setAside(this.#disk, strays);
    await this.#remove(journal.takeCutOff());
  }

  /** After an error: nothing more is written to what is open. */
  async abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  /** Where the chain ends with those records. */
  #followedBy({ last }: JournalView, records: readonly Uint8Array[]): Omit<RecordPlace, "offset"> {
    if (last === undefined) throw this.#blank();
    const { label } = this.#options;
    let { position: end, roster } = last.end;
    for (const bytes of records) {
      const head = recordHead(bytes);
      if (head === undefined) throw new JournalError("Gap", `${label}: that is no intact record`);
      if (!isNextAfter(end, head)) {
        const message = `${label}: record ${head.sequence} does not follow its record ${end.sequence}`;
        throw new JournalError("Gap", message);
      }
      end = positionOf(head);
      const payload = bytes.subarray(RECORD_HEADER_BYTES);
      if (isRosterKind(head.kind)) roster = Buffer.from(payload);
    }
    return { position: end, roster };
  }

  /** Up to where the last segment is known to be durable. */
  #durablePlace(last: Segment): RecordPlace {
    if (this.#synced?.name !== last.name) return last.start;
    const { place } = this.#synced;
    return place.offset <= last.end.offset ? place : last.end;
  }

  async #write(
    journal: JournalView,
    content: Omit<WriteSegmentOptions, "disk" | "number">,
  ): Promise<OpenSegment> {
    await this.abandon();
    const number = journal.takeNumber();
    const opened = await writeSegment({ disk: this.#disk, number, ...content });
    this.#file = opened.file;
    const chainBytes = journal.segments.reduce((sum, { end }) => sum + end.offset, 0);
    const wantedBytes = Math.max(chainBytes * SEGMENT_SHARE, SEGMENT_BYTES_LEAST);
    this.#fullBytes = Math.min(wantedBytes, this.#options.segmentBytesMax);
    this.#noteSynced(opened.segment, opened.segment.end);
    return opened;
  }

  #noteSynced(segment: Segment, place: RecordPlace): void {
    segment.endAt(place);
    this.#synced = { name: segment.name, place };
  }

  async #remove(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#disk.unlink(`${JOURNAL_FOLDER}/${name}`);
    if (names.length > 0) await this.#disk.syncDirectory(JOURNAL_FOLDER);
  }

  #blank(): JournalError {
    const message = `${this.#options.label}: it has no chain yet, which truncate begins`;
    return new JournalError("Gap", message);
  }
}

/** What the segment in the place of that one continues: one at the beginning replaces all, whatever was cut off before it. */
function followed(
  { segments }: JournalView,
  found: FoundPlace | undefined,
): SegmentHeader["follows"] {
  const index = found?.index ?? 0;
  return index === 0 ? undefined : segments[index]?.header.follows;
}

/** What remains of the segment in which that place is. */
function rangeUpTo(
  { segments }: JournalView,
  { place, index }: FoundPlace,
): CopiedRange | undefined {
  const segment = segments[index];
  return segment === undefined ? undefined : { segment, from: segment.start, to: place };
}
