// Finds an object and gives the means to read it. Small bytes, and the parts of an object of few parts, are read with the
// row, and again where another write came between; many parts are looked up before the first byte leaves. So one reading
// is of one version, whatever is written meanwhile.
// Bytes that lie in the metadata are checked against their ETag: the database itself checks nothing.

import { hash } from "node:crypto";
import { S3Error } from "../core/s3-error.ts";
import { PAGE_SIZE_MAX } from "../core/limits.ts";
import type { ByteRange } from "../erasure/stripe.ts";
import { assert } from "../util/assert.ts";
import type { ManifestContent, ObjectRecord, PartRecord } from "../metadata/records.ts";
import type { BucketView } from "./bucket-view.ts";
import type { ByteWindows } from "./byte-window.ts";
import type { ObjectReading } from "./object-store.ts";
import { readSegments, type Segment } from "./read-segments.ts";
import type { OpenReading } from "./read-tracker.ts";
import { runOf } from "./set-run.ts";
import type { StoreContext } from "./store-context.ts";

/** How often an object may be replaced between finding it and reading it before the request gives up. */
const ATTEMPTS_MAX = 16;
/** Parts that are looked up with their object: a range of an object of more must not cost all their rows. */
const PARTS_AHEAD_MAX = 32;

export async function openObject(
  context: StoreContext,
  bucket: BucketView,
  key: string,
): Promise<ObjectReading | undefined> {
  const hold = context.readings.begin();
  try {
    const found = await findBytes(context, bucket, key);
    if (found === undefined) hold.close();
    return found && makeReading(context, found, hold);
  } catch (error) {
    hold.close();
    throw error;
  }
}

interface FoundObject {
  readonly object: ObjectRecord;
  /** The bytes of an inline object. */
  readonly bytes?: Uint8Array;
  /** All parts, of an object of few. */
  readonly parts?: readonly PartBytes[];
}

interface PartBytes {
  readonly part: PartRecord;
  /** Of an inline part. */
  readonly bytes: Uint8Array | undefined;
}

async function findBytes(
  context: StoreContext,
  bucket: BucketView,
  key: string,
): Promise<FoundObject | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const object = await context.metadata.findObject(bucket.id, key);
    if (object === undefined) return undefined;
    if (object.content.kind !== "inline" && context.pools.isFull) throw new S3Error("SlowDown");
    const found = await withBytes(context, object);
    if (found !== undefined) return found;
  }
  throw new S3Error("SlowDown", { cause: new Error("the object is replaced all the time") });
}

/** Undefined when another write has taken away what the row names. */
async function withBytes(
  context: StoreContext,
  object: ObjectRecord,
): Promise<FoundObject | undefined> {
  const { content } = object;
  if (content.kind === "inline") {
    const bytes = await context.metadata.readInline(content.dataId);
    if (bytes === undefined) return undefined;
    requireIntact(bytes, object);
    return { object, bytes };
  }
  if (content.kind !== "manifest" || content.partCount > PARTS_AHEAD_MAX) return { object };
  const parts = await lookUpParts(context, content, { start: 0, end: object.sizeBytes });
  return parts && { object, parts };
}

function makeReading(
  context: StoreContext,
  { object, bytes, parts }: FoundObject,
  hold: OpenReading,
): ObjectReading {
  const { content } = object;
  let isRead = false;
  let isBegun = false;
  const segments = (start: number, end: number): AsyncIterable<Segment> | Iterable<Segment> => {
    if (content.kind === "manifest") {
      if (parts !== undefined) return parts.flatMap((each) => partSegment(each, { start, end }));
      return partSegments(context, content, { start, end });
    }
    if (content.kind !== "inline") {
      return [{ kind: "set", run: runOf(content, object), range: { start, end } }];
    }
    return [{ kind: "bytes", bytes: bytes?.subarray(start, end) ?? new Uint8Array(0) }];
  };
  async function* begun(start: number, end: number): AsyncGenerator<Segment, void> {
    isBegun = true;
    yield* segments(start, end);
  }
  return {
    object,
    read: (start: number, end: number): ByteWindows => {
      assert(!isRead, "a reading is read once");
      assert(start >= 0 && start <= end && end <= object.sizeBytes, "a range lies in its object");
      isRead = true;
      return readSegments(context, begun(start, end), hold);
    },
    findPart: async (number) => {
      if (content.kind !== "manifest") return undefined;
      if (parts !== undefined) return parts.find(({ part }) => part.number === number)?.part;
      return context.metadata.findPart(content.manifestId, number);
    },
    close: () => {
      // Once the first byte was asked for, reading ends by itself, at its last byte or when its consumer leaves.
      if (!isBegun) hold.close();
    },
  };
}

async function* partSegments(
  context: StoreContext,
  content: ManifestContent,
  range: ByteRange,
): AsyncGenerator<Segment, void> {
  const parts = await lookUpParts(context, content, range);
  if (parts === undefined) throw replaced();
  yield* parts.flatMap((each) => partSegment(each, range));
}

/** What a range of the object takes of a part. */
function partSegment({ part, bytes }: PartBytes, range: ByteRange): readonly Segment[] {
  const partStart = part.startOffset ?? 0;
  const start = Math.max(range.start - partStart, 0);
  const end = Math.min(range.end - partStart, part.sizeBytes);
  if (start >= end) return [];
  if (part.content.kind !== "inline") {
    return [{ kind: "set", run: runOf(part.content, part), range: { start, end } }];
  }
  return [{ kind: "bytes", bytes: bytes?.subarray(start, end) ?? new Uint8Array(0) }];
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

/** What lies inline was stored as it came, so that its ETag is its MD5. @throws S3Error InternalError */
function requireIntact(bytes: Uint8Array, said: Pick<PartRecord, "etag" | "sizeBytes">): void {
  if (bytes.length === said.sizeBytes && hash("md5", bytes) === said.etag) return;
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
