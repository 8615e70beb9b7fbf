// The reads of the in-memory model: filter everything, sort it, cut the page. Slow, and easy to believe.

import { compareUtf8 } from "../../util/utf8-order.ts";
import { findCommonPrefix } from "../common-prefix.ts";
import type { MetadataReader } from "../engine-store.ts";
import type {
  ListBucketsQuery,
  ListObjectsQuery,
  ListUploadsQuery,
  ListVersionsQuery,
  ListedVersion,
} from "../metadata-store.ts";
import type { ObjectRecord, ObjectSummary, PartRecord, UploadRecord } from "../records.ts";
import { memoryDue } from "./memory-due.ts";
import { findPacked } from "./memory-packs.ts";
import type { MemoryState } from "./memory-state.ts";
import {
  currentObject,
  currentObjects,
  findVersionOf,
  recordOfVersion,
  versionsOf,
  type MemoryVersion,
} from "./memory-versions.ts";
import { memoryWalk } from "./memory-walk.ts";
import { sequenceOf } from "../version-id.ts";

export function memoryReader(state: MemoryState): MetadataReader {
  const partsOf = (manifestId: number): readonly PartRecord[] =>
    [...(state.uploads.get(manifestId)?.parts.values() ?? [])]
      .toSorted((a, b) => a.number - b.number)
      .map((part) => state.current(part));
  return {
    findSetting: (name) => state.settings.get(name),
    listProcesses: () => [...state.processes.values()],
    findLayouts: () => [...state.layouts.values()].toSorted((a, b) => a.version - b.version),
    findBucket: (name) =>
      [...state.buckets.values()].find(({ record }) => record.name === name)?.record,
    listBuckets: (query) => listBuckets(state, query),
    findBucketById: (bucketId) => state.buckets.get(bucketId)?.record,
    findBucketConfig: (bucketId, name) => state.buckets.get(bucketId)?.config.get(name),
    listConfigured: (name, after, limit) =>
      [...state.buckets.values()]
        .filter(({ record, config }) => record.id > after && config.has(name))
        .map(({ record }) => record)
        .toSorted((a, b) => a.id - b.id)
        .slice(0, limit),
    listQuotas: (limit) => listQuotas(state, limit),
    findObject: (bucketId, key) => {
      const object = currentObject(state.buckets.get(bucketId), key);
      return object && state.current(object);
    },
    findObjectWithBytes: (bucketId, key) => {
      const object = currentObject(state.buckets.get(bucketId), key);
      if (object === undefined) return undefined;
      const { content } = object;
      const bytes = content.kind === "inline" ? state.inline.get(content.dataId) : undefined;
      return { object: state.current(object), bytes: bytes && Uint8Array.from(bytes) };
    },
    findVersion: (name) => {
      const version = findVersionOf(state.buckets.get(name.bucketId), name);
      return version && recordOfVersion(state, version);
    },
    listObjects: (query) => listObjects(state, query),
    listVersions: (query) => listVersions(state, query),
    readInline: (dataId) => {
      const bytes = state.inline.get(dataId);
      return bytes && Uint8Array.from(bytes);
    },
    findUpload: (bucketId, key, uploadId) =>
      [...state.uploads.values()].find(
        (upload) =>
          upload.bucketId === bucketId &&
          upload.record.key === key &&
          upload.record.uploadId === uploadId,
      )?.record,
    listUploads: (query) => listUploads(state, query),
    listParts: (manifestId, after, limit) => {
      const parts = partsOf(manifestId).filter((part) => part.number > after);
      return { parts: parts.slice(0, limit), isTruncated: parts.length > limit };
    },
    findPacked: (bucketId, key, from) => {
      const object = findPacked(state, { bucketId, key, from });
      return object && state.current(object);
    },
    findPartAt: (manifestId, offset) => partsOf(manifestId).find((part) => holds(part, offset)),
    findPart: (manifestId, number) => partsOf(manifestId).find((part) => part.number === number),
    ...memoryWalk(state),
    ...memoryDue(state),
    listTrash: (limit, after) => {
      const start = state.trash.findIndex(({ setId }) => setId === after) + 1;
      return state.trash.slice(start, start + limit);
    },
  };
}

function holds({ startOffset, sizeBytes }: PartRecord, offset: number): boolean {
  return startOffset !== undefined && startOffset <= offset && offset < startOffset + sizeBytes;
}

function listBuckets(state: MemoryState, { ownerId, prefix, after, limit }: ListBucketsQuery) {
  return [...state.buckets.values()]
    .map(({ record }) => record)
    .filter((record) => ownerId === undefined || record.ownerId === ownerId)
    .filter(({ name }) => name.startsWith(prefix))
    .filter(({ name }) => after === undefined || compareUtf8(name, after) > 0)
    .toSorted((a, b) => compareUtf8(a.name, b.name))
    .slice(0, limit);
}

function listQuotas(state: MemoryState, limit: number) {
  return [...state.buckets.values()]
    .flatMap(({ record }) => {
      const { quotaBytes, objectBytes } = record;
      if (quotaBytes === undefined) return [];
      return [{ record, share: objectBytes / Math.max(quotaBytes, 1) }];
    })
    .toSorted((a, b) => b.share - a.share || compareUtf8(a.record.name, b.record.name))
    .slice(0, limit)
    .map(({ record }) => record);
}

function listObjects(state: MemoryState, query: ListObjectsQuery) {
  const bucket = state.buckets.get(query.bucketId);
  const objects = bucket === undefined ? [] : currentObjects(bucket);
  const { after } = query;
  const page = pageOf(objects.map(summaryOf), query, {
    marker: after,
    follows: (object) => after === undefined || compareUtf8(object.key, after) > 0,
    compare: (a, b) => compareUtf8(a.key, b.key),
  });
  const entries = page.entries.map((entry) =>
    entry.item === undefined
      ? ({ kind: "prefix", prefix: entry.prefix } as const)
      : ({ kind: "object", object: entry.item } as const),
  );
  return { entries, isTruncated: page.isTruncated };
}

interface ListedItem {
  readonly key: string;
  readonly sequence: number;
  readonly version: MemoryVersion;
}

function listVersions(state: MemoryState, query: ListVersionsQuery) {
  const bucket = state.buckets.get(query.bucketId);
  const items = [...(bucket?.versions.values() ?? [])].flat().map((version): ListedItem => {
    const { key, sequence } = version.record;
    return { key, sequence, version };
  });
  const { keyMarker, versionIdMarker } = query;
  // A version that is gone is known by its id still; the version "null" is not, and then all are shown again.
  const marker = versionsOf(bucket, keyMarker ?? "").find(
    ({ record }) => record.versionId === versionIdMarker,
  );
  const before = marker?.record.sequence ?? sequenceOf(versionIdMarker ?? "") ?? Infinity;
  const follows = ({ key, sequence }: ListedItem): boolean => {
    if (keyMarker === undefined) return true;
    if (key !== keyMarker) return compareUtf8(key, keyMarker) > 0;
    return versionIdMarker !== undefined && sequence < before;
  };
  const page = pageOf(items, query, { marker: keyMarker, follows, compare: newestFirst });
  const entries = page.entries.map((entry) =>
    entry.item === undefined
      ? ({ kind: "prefix", prefix: entry.prefix } as const)
      : listedOf(entry.item.version),
  );
  return { entries, isTruncated: page.isTruncated };
}

function newestFirst(a: ListedItem, b: ListedItem): number {
  return compareUtf8(a.key, b.key) || b.sequence - a.sequence;
}

function listedOf(version: MemoryVersion): ListedVersion {
  const isLatest = version.noncurrentSince === undefined;
  const { kind, record } = version;
  const { versionId } = record;
  if (kind === "object") return { kind, isLatest, versionId, object: summaryOf(record) };
  const { key, modifiedAt, ownerId } = record;
  const none = { sizeBytes: 0, etag: "", storageClass: "" };
  const noChecksum = { checksumAlgorithm: undefined, checksumType: undefined };
  const object = { key, ...none, modifiedAt, ownerId, ...noChecksum };
  return { kind, isLatest, versionId, object };
}

function listUploads(state: MemoryState, query: ListUploadsQuery) {
  const open = [...state.uploads.values()]
    .filter(({ bucketId, record }) => bucketId === query.bucketId && !record.completed)
    .map(({ record }) => record);
  const { keyMarker, uploadIdMarker } = query;
  const marker = open.find(({ key, uploadId }) => key === keyMarker && uploadId === uploadIdMarker);
  const follows = (upload: UploadRecord): boolean => {
    if (keyMarker === undefined) return true;
    if (upload.key !== keyMarker) return compareUtf8(upload.key, keyMarker) > 0;
    // A marker that is gone: shown again is better than passed over.
    if (marker === undefined) return uploadIdMarker !== undefined;
    return compareUploads(upload, marker) > 0;
  };
  const page = pageOf(open, query, { marker: keyMarker, follows, compare: compareUploads });
  const entries = page.entries.map((entry) =>
    entry.item === undefined
      ? ({ kind: "prefix", prefix: entry.prefix } as const)
      : ({ kind: "upload", upload: entry.item } as const),
  );
  return { entries, isTruncated: page.isTruncated };
}

function compareUploads(a: UploadRecord, b: UploadRecord): number {
  return compareUtf8(a.key, b.key) || a.initiatedAt - b.initiatedAt || a.manifestId - b.manifestId;
}

interface PageOrder<Item> {
  /** Where the page before ended: a key or a common prefix. */
  readonly marker: string | undefined;
  readonly follows: (item: Item) => boolean;
  readonly compare: (a: Item, b: Item) => number;
}

type PageEntry<Item> =
  | { readonly item: Item; readonly prefix?: undefined }
  | { readonly item?: undefined; readonly prefix: string };

function pageOf<Item extends { readonly key: string }>(
  items: readonly Item[],
  query: { readonly prefix: string; readonly delimiter: string; readonly limit: number },
  { marker, follows, compare }: PageOrder<Item>,
): { readonly entries: readonly PageEntry<Item>[]; readonly isTruncated: boolean } {
  const entries: PageEntry<Item>[] = [];
  const listed = items.filter((item) => item.key.startsWith(query.prefix) && follows(item));
  for (const item of listed.toSorted(compare)) {
    const prefix = findCommonPrefix(item.key, query);
    if (prefix === undefined) entries.push({ item });
    else if (prefix !== marker && entries.at(-1)?.prefix !== prefix) entries.push({ prefix });
  }
  return { entries: entries.slice(0, query.limit), isTruncated: entries.length > query.limit };
}

function summaryOf(object: ObjectRecord): ObjectSummary {
  const { key, sizeBytes, etag, modifiedAt, ownerId, storageClass, checksum } = object;
  const shown = { key, sizeBytes, etag, modifiedAt, ownerId, storageClass };
  return { ...shown, checksumAlgorithm: checksum?.algorithm, checksumType: checksum?.type };
}
