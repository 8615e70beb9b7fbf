// Finds an object and gives the means to read it. Small bytes are read with the row; the parts of a multipart object
// are looked up before its first byte leaves, so that one reading is of one version, whatever is written meanwhile.
// Bytes that lie in the metadata are checked against their ETag: the database itself checks nothing.

import { hash } from "node:crypto";
import { S3Error } from "../core/s3-error.ts";
import { PAGE_SIZE_MAX } from "../core/limits.ts";
import { assert } from "../util/assert.ts";
import type { ManifestContent, ObjectRecord, PartRecord } from "../metadata/records.ts";
import type { BucketView } from "./bucket-view.ts";
import type { ByteWindows } from "./byte-window.ts";
import type { ObjectReading } from "./object-store.ts";
import { readSegments, type Segment } from "./read-segments.ts";
import type { OpenReading } from "./read-tracker.ts";
import type { StoreContext } from "./store-context.ts";

/** How often an object may be replaced between finding it and reading it before the request gives up. */
const ATTEMPTS_MAX = 16;

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
    if (object.content.kind !== "inline") {
      if (context.pools.isFull) throw new S3Error("SlowDown");
      return { object, bytes: undefined };
    }
    const bytes = await context.metadata.readInline(object.content.dataId);
    if (bytes === undefined) continue;
    requireIntact(bytes, object);
    return { object, bytes };
  }
  throw new S3Error("SlowDown", { cause: new Error("the object is replaced all the time") });
}

function makeReading(
  context: StoreContext,
  { object, bytes }: FoundObject,
  hold: OpenReading,
): ObjectReading {
  const { content } = object;
  let isRead = false;
  let isBegun = false;
  const segments = (start: number, end: number): AsyncIterable<Segment> | Iterable<Segment> => {
    if (content.kind === "set") return [{ kind: "set", set: content.set, range: { start, end } }];
    if (content.kind === "manifest") return partSegments(context, content, start, end);
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
    findPart: async (number) =>
      content.kind === "manifest"
        ? context.metadata.findPart(content.manifestId, number)
        : undefined,
    close: () => {
      // Once the first byte was asked for, reading ends by itself, at its last byte or when its consumer leaves.
      if (!isBegun) hold.close();
    },
  };
}

async function* partSegments(
  context: StoreContext,
  content: ManifestContent,
  start: number,
  end: number,
): AsyncGenerator<Segment, void> {
  if (start === end) return;
  const segments: Segment[] = [];
  for (const part of await findParts(context, content, start, end)) {
    const partStart = part.startOffset ?? 0;
    const range = {
      start: Math.max(start - partStart, 0),
      end: Math.min(end - partStart, part.sizeBytes),
    };
    segments.push(await partSegment(context, part, range));
  }
  yield* segments;
}

async function partSegment(
  context: StoreContext,
  part: PartRecord,
  range: { readonly start: number; readonly end: number },
): Promise<Segment> {
  if (part.content.kind === "set") return { kind: "set", set: part.content.set, range };
  const bytes = await context.metadata.readInline(part.content.dataId);
  if (bytes === undefined) throw replaced();
  requireIntact(bytes, part);
  return { kind: "bytes", bytes: bytes.subarray(range.start, range.end) };
}

/** What lies inline was stored as it came, so that its ETag is its MD5. @throws S3Error InternalError */
function requireIntact(bytes: Uint8Array, said: Pick<PartRecord, "etag" | "sizeBytes">): void {
  if (bytes.length === said.sizeBytes && hash("md5", bytes) === said.etag) return;
  throw new S3Error("InternalError", { cause: new Error("bytes in the metadata are damaged") });
}

/** The parts that hold the range: the first by a seek, the others in pages after it. */
async function findParts(
  { metadata }: StoreContext,
  { manifestId }: ManifestContent,
  start: number,
  end: number,
): Promise<readonly PartRecord[]> {
  const first = await metadata.findPartAt(manifestId, start);
  if (first === undefined) throw replaced();
  const parts = [first];
  let last = first;
  while (endOf(last) < end) {
    const page = await metadata.listParts(manifestId, last.number, PAGE_SIZE_MAX);
    for (const part of page.parts) {
      if (endOf(last) >= end) break;
      if (part.startOffset !== endOf(last)) throw replaced();
      parts.push(part);
      last = part;
    }
    if (page.parts.length === 0) throw replaced();
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
