// Looks at the journal folder of a drive and changes nothing: which segments form the chain, how far it is intact, what
// else is there. Memory is bounded by the number of files. The newest segments are read whole; from older ones, beyond
// `readBytesMax`, only headers and sizes are compared, so that a start does not take longer the larger a journal is:
// their records are checked when they are read.

import { TEMPORARY_SUFFIX } from "../disk/disk-path.ts";
import { DiskError, type DirectoryEntry, type Disk } from "../disk/disk.ts";
import { newerVersion } from "./checked-json.ts";
import { linkSegments } from "./link-segments.ts";
import type { Authority, SnapshotInfo } from "./journal-member.ts";
import { isSamePosition } from "./journal-record.ts";
import { JOURNAL_FOLDER, PROMISE_FILE, readPromise } from "./promise-file.ts";
import { hasMarkFrom, Segment, SegmentReader, type RecordPlace } from "./segment.ts";
import {
  parseSegmentHeader,
  parseSegmentName,
  SEGMENT_VERSION,
  type ParsedHeader,
  type SegmentName,
} from "./segment-header.ts";
import { findSnapshots } from "./snapshot-files.ts";

/** Below the journal's folder: what was put away, for whoever wants to look. */
export const ASIDE_NAME = "aside";

/** Headers are shorter, but for one with many statements in its roster. */
const HEADER_READ_BYTES = 16 * 1024;

const SNAPSHOT_NAME = /^[0-9a-f]{16}\.snapshot(\.json)?$/;
const OWN_TEMPORARY = /^(promise\.json|[0-9a-f]{8}-.*\.log|[0-9a-f]{16}\.snapshot.*)\..*$/;

export interface ScanOptions {
  readonly disk: Disk;
  readonly driveId: string;
  /** Newest bytes of segments that are read whole. */
  readonly readBytesMax: number;
}

export interface JournalScan {
  /** The chain, oldest first; empty: there is none. */
  readonly segments: readonly Segment[];
  /** Whether something is missing that was once durable here. */
  readonly isDamaged: boolean;
  /** Files of ours that are not, or no longer, in the chain. */
  readonly strays: readonly string[];
  readonly highestNumber: number;
  readonly promised: Authority | undefined;
  readonly isPromiseDamaged: boolean;
  readonly firstNumber: number;
  /** Segments that a cut has let go; not all are removed yet. */
  readonly cutOff: readonly string[];
  readonly snapshots: readonly SnapshotInfo[];
  /** What interrupted writes left. */
  readonly temporaries: readonly string[];
  readonly remarks: readonly string[];
}

interface FoundSegment extends SegmentName {
  readonly segment: Segment;
  readonly header: Segment["header"];
  readonly sizeBytes: number;
}

interface Verified {
  readonly segments: readonly Segment[];
  /** Names of those that cannot be reached. */
  readonly lost: readonly string[];
  readonly isRotten: boolean;
}

/** @throws JournalError Corrupt when a newer program wrote here. @throws DiskError */
export async function scanJournal(options: ScanOptions): Promise<JournalScan> {
  const { disk } = options;
  const entries = await listJournal(disk);
  const names = entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name);
  const remarks = entries.filter(isForeign).map(({ name }) => `${name} is not ours; left alone`);
  remarks.push(...(await asideRemarks(disk, entries)));
  const promise = await readPromise(disk);
  if (promise.damage !== undefined) remarks.push(`${PROMISE_FILE} is damaged: ${promise.damage}`);

  const segmentNames = names.flatMap((name) => parseSegmentName(name) ?? []);
  segmentNames.sort((one, two) => one.number - two.number || (one.name < two.name ? -1 : 1));
  const isKept = ({ number }: SegmentName): boolean => number >= promise.firstNumber;
  const { found, damaged } = await readHeaders(options, segmentNames.filter(isKept), remarks);
  const { chain, replaced, unlinked } = linkSegments(found);
  if (unlinked.length > 0) remarks.push(unreachable(unlinked));
  const verified = await verify(options, chain, remarks);
  const { snapshots, remarks: snapshotRemarks } = await findSnapshots(disk, names);
  remarks.push(...snapshotRemarks);
  const strays = [...replaced, ...unlinked].map(({ name }) => name);
  return {
    segments: verified.segments,
    isDamaged: damaged.length > 0 || verified.isRotten || isCutOff(chain, unlinked),
    strays: [...strays, ...verified.lost, ...damaged],
    highestNumber: Math.max(promise.firstNumber, ...segmentNames.slice(-1).map(numberOf)),
    // A damaged promise is known from what its owner has written since.
    promised: promise.promised ?? chain.at(-1)?.header.authority,
    isPromiseDamaged: promise.damage !== undefined,
    firstNumber: promise.firstNumber,
    cutOff: segmentNames.filter((name) => !isKept(name)).map(({ name }) => name),
    snapshots,
    temporaries: names.filter((name) => isOwnTemporary(name) || isHalfSnapshot(name, names)),
    remarks,
  };
}

async function listJournal(disk: Disk): Promise<readonly DirectoryEntry[]> {
  try {
    return await disk.list(JOURNAL_FOLDER);
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return [];
    throw error;
  }
}

function numberOf({ number }: SegmentName): number {
  return number;
}

function isForeign({ name, isDirectory }: DirectoryEntry): boolean {
  if (isDirectory) return name !== ASIDE_NAME;
  if (name === PROMISE_FILE || isOwnSnapshot(name) || isOwnTemporary(name)) return false;
  return parseSegmentName(name) === undefined;
}

function isOwnTemporary(name: string): boolean {
  return name.endsWith(TEMPORARY_SUFFIX) && OWN_TEMPORARY.test(name);
}

/** One that was stored, but not described before the process ended. */
function isHalfSnapshot(name: string, names: readonly string[]): boolean {
  return name.endsWith(".snapshot") && isOwnSnapshot(name) && !names.includes(`${name}.json`);
}

function isOwnSnapshot(name: string): boolean {
  return SNAPSHOT_NAME.test(name);
}

async function asideRemarks(disk: Disk, entries: readonly DirectoryEntry[]): Promise<string[]> {
  if (!entries.some(({ name, isDirectory }) => isDirectory && name === ASIDE_NAME)) return [];
  const { length } = await disk.list(`${JOURNAL_FOLDER}/${ASIDE_NAME}`);
  if (length === 0) return [];
  return [`${length} files were set aside in ${JOURNAL_FOLDER}/${ASIDE_NAME}`];
}

/** Opens each segment for its header; `damaged` are those of ours that have none. */
async function readHeaders(
  { disk, driveId }: ScanOptions,
  names: readonly SegmentName[],
  remarks: string[],
): Promise<{ found: FoundSegment[]; damaged: string[] }> {
  const found: FoundSegment[] = [];
  const damaged: string[] = [];
  let roster: Uint8Array | undefined;
  for (const { name, number } of names) {
    const path = `${JOURNAL_FOLDER}/${name}`;
    const { parsed, sizeBytes } = await readHeader(disk, path);
    if (parsed.kind === "newer") {
      throw newerVersion(`${disk.root}/${path}`, parsed.version, SEGMENT_VERSION);
    }
    if (parsed.kind !== "header") {
      const why = parsed.kind === "damaged" ? parsed.why : "it ends within its header";
      remarks.push(`${name} is damaged: ${why}`);
      damaged.push(name);
    } else if (parsed.header.driveId !== driveId) {
      remarks.push(`${name} is that of another drive; left alone`);
    } else {
      const { header, headerBytes } = parsed;
      // Most have the one of the segment before; it need not be kept many times.
      if (!isSameRoster(roster, parsed.roster)) ({ roster } = parsed);
      const segment = new Segment(name, header, { offset: headerBytes, roster });
      found.push({ name, number, header, segment, sizeBytes });
    }
  }
  return { found, damaged };
}

async function readHeader(
  disk: Disk,
  path: string,
): Promise<{ parsed: ParsedHeader; sizeBytes: number }> {
  const file = await disk.open(path);
  try {
    const { sizeBytes } = file;
    const read = async (wanted: number): Promise<ParsedHeader> => {
      const bytes = Buffer.alloc(Math.min(wanted, sizeBytes));
      return parseSegmentHeader(bytes.subarray(0, await file.read(bytes, 0)));
    };
    const parsed = await read(HEADER_READ_BYTES);
    const isLarger = parsed.kind === "incomplete" && parsed.bytesNeeded <= sizeBytes;
    return { parsed: isLarger ? await read(parsed.bytesNeeded) : parsed, sizeBytes };
  } finally {
    await file.close();
  }
}

function isSameRoster(one: Uint8Array | undefined, two: Uint8Array | undefined): boolean {
  if (one === undefined || two === undefined) return one === two;
  return Buffer.compare(one, two) === 0;
}

/** Finds out how far the chain is intact. */
async function verify(
  { disk, readBytesMax }: ScanOptions,
  chain: readonly FoundSegment[],
  remarks: string[],
): Promise<Verified> {
  const segments: Segment[] = [];
  let newerBytes = chain.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const [index, { segment, sizeBytes }] of chain.entries()) {
    segments.push(segment);
    const isToBeRead = newerBytes <= readBytesMax || index === chain.length - 1;
    newerBytes -= sizeBytes;
    const next = chain[index + 1];
    if (next === undefined) {
      const { stop } = await readUpTo(disk, segment, sizeBytes);
      if (stop !== undefined) remarks.push(oddTail(segment, stop));
      break;
    }
    const end = endBefore(next, segment);
    const isWhole =
      isToBeRead || sizeBytes < end.offset
        ? await reaches(disk, segment, end)
        : isPlausible(segment, end);
    if (!isWhole) {
      remarks.push(oddTail(segment, "its records do not lead to the next file"));
      const lost = chain.slice(index + 1);
      remarks.push(unreachable(lost));
      return { segments, lost: lost.map(({ name }) => name), isRotten: true };
    }
    segment.endAt(end);
  }
  return { segments, lost: [], isRotten: await hasRottenEnd(disk, chain.at(-1)) };
}

/** Whether the last segment once held more: a sync has followed on what is not intact there. */
async function hasRottenEnd(disk: Disk, last: FoundSegment | undefined): Promise<boolean> {
  if (last === undefined || last.segment.end.offset === last.sizeBytes) return false;
  const { segment } = last;
  const file = await disk.open(`${JOURNAL_FOLDER}/${segment.name}`);
  try {
    // The mark of the append that is not intact stands at the end itself, and says nothing of that.
    return await hasMarkFrom(file, segment, segment.end.offset + 1);
  } finally {
    await file.close();
  }
}

/** Whether segments that cannot be linked continue the chain; others were to be put away. */
function isCutOff(chain: readonly FoundSegment[], unlinked: readonly FoundSegment[]): boolean {
  const last = chain.at(-1)?.number ?? 0;
  return unlinked.some(({ number }) => number > last);
}

/** Where a segment ends according to the one that continues it. */
function endBefore({ header, segment: { start } }: FoundSegment, segment: Segment): RecordPlace {
  const isFollower = header.follows?.name === segment.name;
  const offset = isFollower ? (header.follows?.endOffset ?? 0) : segment.start.offset;
  return { offset, position: header.base, roster: start.roster };
}

function isPlausible({ start }: Segment, end: RecordPlace): boolean {
  return end.offset >= start.offset && end.position.sequence >= start.position.sequence;
}

async function reaches(disk: Disk, segment: Segment, end: RecordPlace): Promise<boolean> {
  await readUpTo(disk, segment, end.offset);
  const { offset, position } = segment.end;
  return offset === end.offset && isSamePosition(position, end.position);
}

/** Reads records up to that offset; leaves the segment's end behind the last intact one. */
async function readUpTo(disk: Disk, segment: Segment, endOffset: number): Promise<SegmentReader> {
  const file = await disk.open(`${JOURNAL_FOLDER}/${segment.name}`);
  try {
    const reader = new SegmentReader(file, segment.start, endOffset);
    while ((await reader.next()).length > 0) segment.endAt(reader.place);
    return reader;
  } finally {
    await file.close();
  }
}

function oddTail(segment: Segment, why: string): string {
  const { offset, position } = segment.end;
  return `${segment.name} is intact up to record ${position.sequence} (byte ${offset}): ${why}`;
}

function unreachable(segments: readonly { readonly name: string }[]): string {
  const names = segments.map(({ name }) => name).join(", ");
  return `the chain does not reach ${names}`;
}
