// The reads of the in-memory model that look at everything: the walk, the sets, the totals.

import { compareUtf8 } from "../../util/utf8-order.ts";
import type { MetadataReader } from "../engine-store.ts";
import type { WalkEntry, WalkPosition, WalkQuery } from "../metadata-store.ts";
import type { Content, ObjectRecord } from "../records.ts";
import { byId, type MemoryState } from "./memory-state.ts";
import type { MemoryVersion } from "./memory-versions.ts";

type WalkRead =
  | "findNamedSets"
  | "listDegradedSets"
  | "listSets"
  | "listSparsePacks"
  | "totals"
  | "walk";

export function memoryWalk(state: MemoryState): Pick<MetadataReader, WalkRead> {
  const sets = () => [...state.sets.values()].toSorted(byId);
  const degraded = () => sets().filter(({ set }) => set.missing.length > 0);
  return {
    walk: (query) => walk(state, query),
    findNamedSets: (setIds) => {
      const trashed = new Set(state.trash.map(({ setId }) => setId));
      return new Set(setIds.filter((setId) => state.sets.has(setId) || trashed.has(setId)));
    },
    listDegradedSets: (after, limit) =>
      degraded()
        .map(({ set }) => set)
        .filter(({ id }) => after === undefined || id > after)
        .slice(0, limit),
    listSets: (after, limit) =>
      sets()
        .map(({ set }) => set)
        .filter(({ id }) => after === undefined || id > after)
        .slice(0, limit),
    listSparsePacks: (deadShareMin, after, limit) =>
      sets()
        .filter(({ set }) => after === undefined || set.id > after)
        .flatMap(({ set, references: referenceCount, pack }) => {
          if (pack === undefined || pack.isOpen || set.sizeBytes === 0) return [];
          const deadBytes = set.sizeBytes - pack.liveBytes;
          if (deadBytes < deadShareMin * set.sizeBytes) return [];
          return [{ set, liveBytes: pack.liveBytes, referenceCount }];
        })
        .slice(0, limit),
    totals: () => {
      const records = [...state.buckets.values()].map(({ record }) => record);
      const uploads = [...state.uploads.values()];
      return {
        buckets: records.length,
        objects: records.reduce((sum, { objectCount }) => sum + objectCount, 0),
        objectBytes: records.reduce((sum, { objectBytes }) => sum + objectBytes, 0),
        openUploads: uploads.filter(({ record }) => record.completed === undefined).length,
        sets: state.sets.size,
        packs: sets().filter(({ pack }) => pack !== undefined).length,
        degradedSets: degraded().length,
        trashedSets: state.trash.length,
      };
    },
  };
}

function walk(state: MemoryState, query: WalkQuery): readonly WalkEntry[] {
  const { after } = query;
  const entries = [...versionEntries(state), ...partEntries(state)].filter(({ position }) => {
    const { bucketId, key } = position;
    if (query.bucketId !== undefined && bucketId !== query.bucketId) return false;
    return key.startsWith(query.prefix) && (!after || comparePositions(position, after) > 0);
  });
  return entries.toSorted((a, b) => comparePositions(a.position, b.position)).slice(0, query.limit);
}

function versionEntries(state: MemoryState): readonly WalkEntry[] {
  return [...state.buckets].flatMap(([bucketId, { versions }]) =>
    [...versions.values()].flat().map((version) => versionEntry(state, bucketId, version)),
  );
}

function versionEntry(state: MemoryState, bucketId: number, version: MemoryVersion): WalkEntry {
  const { kind, record } = version;
  const position = { bucketId, key: record.key, detail: [record.sequence] };
  if (kind === "object") return { kind, ...entryOf(state, position, record) };
  const noBytes = { content: undefined, encryption: undefined, isDamaged: false };
  return { kind, position, sizeBytes: 0, etag: "", ...noBytes };
}

function partEntries(state: MemoryState): readonly WalkEntry[] {
  return [...state.uploads.values()].flatMap(({ bucketId, record: { key, manifestId }, parts }) =>
    [...parts.values()].map((part) => {
      const position = { bucketId, key, detail: [manifestId, part.number] };
      return { kind: "part" as const, ...entryOf(state, position, part) };
    }),
  );
}

function entryOf(
  state: MemoryState,
  position: WalkPosition,
  named: Pick<ObjectRecord, "content" | "encryption" | "etag" | "sizeBytes">,
): Omit<WalkEntry, "kind"> {
  const { content, encryption, sizeBytes, etag } = state.current(named);
  const bytes = bytesOf(content);
  const sealed = bytes === undefined ? undefined : encryption;
  return { position, sizeBytes, etag, content: bytes, encryption: sealed, isDamaged: false };
}

function bytesOf(content: ObjectRecord["content"]): Content | undefined {
  return content.kind === "manifest" ? undefined : content;
}

function comparePositions(a: WalkPosition, b: WalkPosition): number {
  return a.bucketId - b.bucketId || compareUtf8(a.key, b.key) || compareNumbers(a.detail, b.detail);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [index, number] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (number !== other) return number - other;
  }
  return a.length - b.length;
}
