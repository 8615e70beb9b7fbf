// Finds an object and gives the means to read it. Small bytes, and the parts of an object of few parts, are read with the
// row, or after it, and again where another write came between; many parts are looked up before the first byte leaves. So one reading
// is of one version, whatever is written meanwhile.
// Bytes that lie in the metadata are checked against their digest: the database itself checks nothing.
// What is encrypted must be unlocked before it is read.

import { S3Error } from "../core/s3-error.ts";
import { PAGE_SIZE_MAX } from "../core/limits.ts";
import type { ByteRange } from "../erasure/stripe.ts";
import { assert } from "../util/assert.ts";
import type { ObjectWithBytes } from "../metadata/metadata-store.ts";
import type { ManifestContent, ObjectRecord, PartRecord } from "../metadata/records.ts";
import type { ByteWindows } from "./byte-window.ts";
import { inlineBytes, segmentsOf } from "./content-segment.ts";
import { openDataKey } from "./encryption/data-key.ts";
import type { CustomerKey } from "./encryption/encryption-request.ts";
import type { KeyName } from "./encryption/key-provider.ts";
import { areStored, storedBytesOf, type RowOfBytes } from "./encryption/stored-bytes.ts";
import type { ObjectReading, ObjectVersion } from "./object-store.ts";
import { readSegments, type Segment, type SegmentWindows } from "./read-segments.ts";
import type { OpenReading } from "./read-tracker.ts";
import type { StoreContext } from "./store-context.ts";

/** How often an object may be replaced between finding it and reading it before the request gives up. */
const ATTEMPTS_MAX = 16;
/** Parts that are looked up with their object: a range of an object of more must not cost all their rows. */
const PARTS_AHEAD_MAX = 32;

/** Undefined where there is no such version, and where it is a delete marker. */
export async function openObject(
  context: StoreContext,
  version: ObjectVersion,
): Promise<ObjectReading | undefined> {
  const hold = context.readings.begin();
  try {
    const found = await findBytes(context, version);
    if (found === undefined) {
      hold.close();
      return undefined;
    }
    const name = { bucket: version.bucket.name, key: version.key };
    return new FoundReading(context, found, name, hold);
  } catch (error) {
    hold.close();
    throw error;
  }
}

interface FoundObject {
  readonly object: ObjectRecord;
  /** The bytes of an inline object. */
  readonly bytes: Uint8Array | undefined;
  /** All parts, of an object of few. */
  readonly parts: readonly PartBytes[] | undefined;
}

interface PartBytes {
  readonly part: PartRecord;
  /** Of an inline part. */
  readonly bytes: Uint8Array | undefined;
}

async function findBytes(
  context: StoreContext,
  version: ObjectVersion,
): Promise<FoundObject | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const read = await findVersionOf(context, version);
    if (read === undefined) return undefined;
    if (isInlineWithBytes(read)) return foundOf(read.object, read.bytes, undefined);
    const isInline = read.object.content.kind === "inline";
    const found = isInline ? undefined : await withParts(context, read.object);
    if (found !== undefined) return found;
  }
  throw new S3Error("SlowDown", { cause: new Error("the object is replaced all the time") });
}

async function findVersionOf(
  { metadata }: StoreContext,
  { bucket, key, versionId }: ObjectVersion,
): Promise<ObjectWithBytes | undefined> {
  if (versionId === undefined) return metadata.findObjectWithBytes(bucket.id, key);
  const version = await metadata.findVersion({ bucketId: bucket.id, key, versionId });
  if (version?.kind !== "object") return undefined;
  const { object } = version;
  const { content } = object;
  const bytes = content.kind === "inline" ? await metadata.readInline(content.dataId) : undefined;
  return { object, bytes };
}

/** Each of one shape, as the engine has it. */
function foundOf(
  object: ObjectRecord,
  bytes: FoundObject["bytes"],
  parts: FoundObject["parts"],
): FoundObject {
  return { object, bytes, parts };
}

/** @throws S3Error InternalError for damaged ones */
function isInlineWithBytes({ object, bytes }: ObjectWithBytes): boolean {
  if (object.content.kind !== "inline" || bytes === undefined) return false;
  requireIntact(bytes, object);
  return true;
}

/** Undefined when another write has taken away what the row names. */
async function withParts(
  context: StoreContext,
  object: ObjectRecord,
): Promise<FoundObject | undefined> {
  const { content } = object;
  if (content.kind !== "manifest" || content.partCount > PARTS_AHEAD_MAX) {
    return foundOf(object, undefined, undefined);
  }
  const parts = await lookUpParts(context, content, { start: 0, end: object.sizeBytes });
  return parts && foundOf(object, undefined, parts);
}

/** What was found, and is read once. */
class FoundReading implements ObjectReading {
  readonly object: ObjectRecord;
  readonly #context: StoreContext;
  readonly #bytes: Uint8Array | undefined;
  readonly #parts: readonly PartBytes[] | undefined;
  readonly #name: KeyName;
  readonly #hold: OpenReading;
  #dataKey: Uint8Array | undefined;
  #isRead = false;
  #windows: SegmentWindows | undefined;

  constructor(context: StoreContext, found: FoundObject, name: KeyName, hold: OpenReading) {
    this.object = found.object;
    this.#context = context;
    this.#bytes = found.bytes;
    this.#parts = found.parts;
    this.#name = name;
    this.#hold = hold;
  }

  async unlock(customerKey: CustomerKey | undefined): Promise<void> {
    const encrypted = { encryption: this.object.encryption, name: this.#name };
    const opened = await openDataKey(this.#context.keys, encrypted, customerKey);
    this.#dataKey = opened?.bytes;
  }

  read(start: number, end: number): ByteWindows {
    this.#take(start, end);
    if (this.#bytes === undefined && this.#context.pools.isFullFor(end - start)) {
      throw new S3Error("SlowDown");
    }
    this.#isRead = true;
    this.#windows = readSegments(this.#context, this.#segments({ start, end }), this.#hold);
    return this.#windows;
  }

  readAtOnce(start: number, end: number): Uint8Array | undefined {
    const { object } = this;
    const bytes = this.#bytes;
    if (bytes === undefined || object.content.kind !== "inline") return undefined;
    this.#take(start, end);
    this.#isRead = true;
    this.#hold.close();
    return inlineBytes(object, { start, end }, { bytes, dataKey: this.#dataKey });
  }

  async findPart(number: number): Promise<PartRecord | undefined> {
    const { content } = this.object;
    if (content.kind !== "manifest") return undefined;
    const known = this.#parts;
    if (known !== undefined) return known.find(({ part }) => part.number === number)?.part;
    return this.#context.metadata.findPart(content.manifestId, number);
  }

  close(): void {
    // Once the first byte was asked for, reading ends by itself, at its last byte or when its consumer leaves.
    if (this.#windows?.isBegun !== true) this.#hold.close();
  }

  #take(start: number, end: number): void {
    assert(!this.#isRead, "a reading is read once");
    const { sizeBytes } = this.object;
    assert(start >= 0 && start <= end && end <= sizeBytes, "a range lies in its object");
  }

  /** What is known is handed on without a promise for each step. */
  #segments(range: ByteRange): AsyncIterable<Segment> | readonly Segment[] {
    const { content } = this.object;
    const dataKey = this.#dataKey;
    const wanted = { range, dataKey };
    if (content.kind !== "manifest") {
      return segmentsOf(this.object, content, range, { bytes: this.#bytes, dataKey });
    }
    const parts = this.#parts;
    if (parts === undefined) return partSegments(this.#context, content, wanted);
    return parts.flatMap((each) => partSegment(each, wanted));
  }
}

async function* partSegments(
  context: StoreContext,
  content: ManifestContent,
  wanted: WantedRange,
): AsyncGenerator<Segment, void> {
  const parts = await lookUpParts(context, content, wanted.range);
  if (parts === undefined) throw replaced();
  yield* parts.flatMap((each) => partSegment(each, wanted));
}

interface WantedRange {
  readonly range: ByteRange;
  readonly dataKey: Uint8Array | undefined;
}

/** What a range of the object takes of a part. */
function partSegment(
  { part, bytes }: PartBytes,
  { range, dataKey }: WantedRange,
): readonly Segment[] {
  const partStart = part.startOffset ?? 0;
  const start = Math.max(range.start - partStart, 0);
  const end = Math.min(range.end - partStart, part.sizeBytes);
  return segmentsOf(part, part.content, { start, end }, { bytes, dataKey });
}

/** Undefined when another write has taken parts of the range away. */
async function lookUpParts(
  context: StoreContext,
  content: ManifestContent,
  range: ByteRange,
): Promise<readonly PartBytes[] | undefined> {
  const found: PartBytes[] = [];
  const parts = await findParts(context, content, range);
  if (parts === undefined) return undefined;
  for (const part of parts) {
    if (part.content.kind !== "inline") {
      found.push({ part, bytes: undefined });
      continue;
    }
    const bytes = await context.metadata.readInline(part.content.dataId);
    if (bytes === undefined) return undefined;
    requireIntact(bytes, part);
    found.push({ part, bytes });
  }
  return found;
}

/** @throws S3Error InternalError */
function requireIntact(bytes: Uint8Array, row: RowOfBytes): void {
  if (areStored(bytes, storedBytesOf(row))) return;
  throw new S3Error("InternalError", { cause: new Error("bytes in the metadata are damaged") });
}

/** The parts that hold the range: the first by a seek, the others in pages after it; undefined when some are gone. */
async function findParts(
  { metadata }: StoreContext,
  { manifestId }: ManifestContent,
  { start, end }: ByteRange,
): Promise<readonly PartRecord[] | undefined> {
  if (start === end) return [];
  const first = await metadata.findPartAt(manifestId, start);
  if (first === undefined) return undefined;
  const parts = [first];
  let last = first;
  while (endOf(last) < end) {
    const page = await metadata.listParts(manifestId, last.number, PAGE_SIZE_MAX);
    for (const part of page.parts) {
      if (endOf(last) >= end) break;
      if (part.startOffset !== endOf(last)) return undefined;
      parts.push(part);
      last = part;
    }
    if (page.parts.length === 0) return undefined;
  }
  return parts;
}

function endOf(part: PartRecord): number {
  return (part.startOffset ?? 0) + part.sizeBytes;
}

/** A multipart object was replaced before its first byte was read: asked again, the client gets the new one. */
function replaced(): S3Error {
  return new S3Error("ServiceUnavailable", {
    cause: new Error("the object was replaced while it was opened"),
  });
}
