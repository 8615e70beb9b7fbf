// What lifecycles ask of the in-memory model: filter everything, sort it by time, cut the page.

import type { MetadataReader } from "../engine-store.ts";
import { DUE_NEWER_MAX, type DueEntry, type DueQuery } from "../metadata-store.ts";
import type { UploadRecord } from "../records.ts";
import type { MemoryState } from "./memory-state.ts";
import type { MemoryVersion } from "./memory-versions.ts";

export function memoryDue(state: MemoryState): Pick<MetadataReader, "findProgress" | "listDue"> {
  return {
    findProgress: (job) => state.progress.get(job),
    listDue: (query) => {
      const { before, after, limit } = query;
      return entriesOf(state, query)
        .filter((entry) => entry.at < before && (after === undefined || byTime(entry, after) > 0))
        .toSorted(byTime)
        .slice(0, limit);
    },
  };
}

type Time = Pick<DueEntry, "at" | "sequence">;

function byTime(a: Time, b: Time): number {
  return a.at - b.at || a.sequence - b.sequence;
}

function entriesOf(state: MemoryState, { bucketId, kind }: DueQuery): readonly DueEntry[] {
  if (kind === "upload") {
    return [...state.uploads.values()]
      .filter((upload) => upload.bucketId === bucketId && !upload.record.completed)
      .map(({ record }) => uploadEntry(record));
  }
  const versions = [...(state.buckets.get(bucketId)?.versions.values() ?? [])];
  return versions.flatMap((ofKey) =>
    ofKey.flatMap((version, index) => {
      if (kind !== kindOf(version, ofKey)) return [];
      // Those before it in the list are newer; the first of them is the latest.
      const newer = kind === "noncurrent" ? Math.min(index - 1, DUE_NEWER_MAX) : 0;
      return [versionEntry(version, newer)];
    }),
  );
}

function kindOf(
  version: MemoryVersion,
  ofKey: readonly MemoryVersion[],
): DueQuery["kind"] | undefined {
  if (version.noncurrentSince !== undefined) return "noncurrent";
  if (version.kind === "object") return "current";
  return ofKey.length === 1 ? "marker" : undefined;
}

function versionEntry(version: MemoryVersion, newerNoncurrent: number): DueEntry {
  const { kind, record, noncurrentSince } = version;
  const { key, versionId, sequence, modifiedAt } = record;
  const isObject = kind === "object";
  return {
    at: noncurrentSince ?? modifiedAt,
    sequence,
    key,
    versionId,
    uploadId: undefined,
    sizeBytes: isObject ? record.sizeBytes : 0,
    tags: isObject ? record.tags : [],
    newerNoncurrent,
  };
}

function uploadEntry({ initiatedAt, manifestId, key, uploadId, tags }: UploadRecord): DueEntry {
  return {
    at: initiatedAt,
    sequence: manifestId,
    key,
    versionId: undefined,
    uploadId,
    sizeBytes: 0,
    tags,
    newerNoncurrent: 0,
  };
}
