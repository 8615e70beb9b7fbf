// What the in-memory model holds, and the one rule that all its writes share: content is referenced, and the last
// reference that goes takes the bytes away or puts the set into the trash.

import { isDeepStrictEqual } from "node:util";
import { S3Error } from "../../core/s3-error.ts";
import { incarnationOf, type Incarnation, type SetId } from "../../core/ids.ts";
import type { NewContent } from "../metadata-store.ts";
import type {
  BucketRecord,
  Content,
  LayoutRecord,
  ObjectRecord,
  PartRecord,
  ProcessRecord,
  ShardSetRecord,
  TrashRecord,
  UploadRecord,
} from "../records.ts";
import type { MemoryVersion } from "./memory-versions.ts";

export interface MemoryBucket {
  record: BucketRecord;
  readonly config: Map<string, string>;
  /** By key, those of each key from the newest to the oldest. */
  readonly versions: Map<string, readonly MemoryVersion[]>;
}

export interface MemoryUpload {
  readonly bucketId: number;
  record: UploadRecord;
  readonly parts: Map<number, PartRecord>;
}

export interface SharedSet {
  set: ShardSetRecord;
  references: number;
  /** Of a pack: whether it may still grow, and the bytes in it that are named. */
  readonly pack: { isOpen: boolean; liveBytes: number } | undefined;
}

export class MemoryState {
  readonly settings = new Map<string, string>();
  /** Of background work, by job. */
  readonly progress = new Map<string, string>();
  readonly processes = new Map<Incarnation, ProcessRecord>();
  readonly layouts = new Map<number, LayoutRecord>();
  readonly buckets = new Map<number, MemoryBucket>();
  /** By manifest id: uploads in progress, and completed ones whose object still stands. */
  readonly uploads = new Map<number, MemoryUpload>();
  readonly inline = new Map<number, Uint8Array>();
  readonly sets = new Map<SetId, SharedSet>();
  trash: TrashRecord[] = [];
  #lastNumber = 0;

  /** One counter numbers versions, parts, uploads and buckets. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** @throws S3Error NoSuchBucket */
  getBucket(bucketId: number): MemoryBucket {
    const bucket = this.buckets.get(bucketId);
    if (bucket === undefined) throw new S3Error("NoSuchBucket");
    return bucket;
  }

  /** Refuses content that must not be stored, before anything has changed. @throws S3Error NoSuchKey */
  checkContent(content: NewContent): void {
    if (content.kind === "share") {
      const { bucketId, key, sequence } = content.source;
      const versions = this.buckets.get(bucketId)?.versions.get(key);
      const source = versions?.find(({ record }) => record.sequence === sequence);
      const named = source?.kind === "object" ? source.record.content : undefined;
      if (named?.kind !== "set" || named.set.id !== content.setId) {
        throw new S3Error("NoSuchKey", { detail: { Key: key } });
      }
    } else if (content.kind !== "inline") {
      const { id } = content.set;
      if (this.processes.get(incarnationOf(id))?.endedAt !== undefined) {
        throw new Error(`the process that wrote set ${id} has ended`);
      }
      if (content.kind === "packed") this.#checkPack(content.set);
      else if (this.sets.has(id)) throw new Error(`set ${id} exists already`);
    }
  }

  #checkPack(set: ShardSetRecord): void {
    const standing = this.sets.get(set.id);
    if (standing === undefined) {
      const isTrashed = this.trash.some(({ setId }) => setId === set.id);
      if (isTrashed) throw new Error(`set ${set.id} is in the trash`);
      return;
    }
    if (standing.pack === undefined) throw new Error(`set ${set.id} is no pack`);
    if (!isDeepStrictEqual(geometryOf(standing.set), geometryOf(set))) {
      throw new Error(`pack ${set.id} stands there with another geometry`);
    }
  }

  /** Takes a reference to checked content; `dataId` numbers inline bytes, `sizeBytes` is what lives in a pack. */
  acquire(content: NewContent, dataId: number, sizeBytes: number): Content {
    if (content.kind === "inline") {
      this.inline.set(dataId, Uint8Array.from(content.bytes));
      return { kind: "inline", dataId };
    }
    if (content.kind === "set") {
      const set = { ...content.set, missing: sortedIndexes(content.set.missing) };
      this.sets.set(set.id, { set, references: 1, pack: undefined });
      return { kind: "set", set };
    }
    if (content.kind === "packed") {
      return {
        kind: "packed",
        set: this.#addToPack(content.set, sizeBytes),
        offset: content.offset,
      };
    }
    const shared = this.sets.get(content.setId);
    if (shared === undefined) throw new Error(`set ${content.setId} is named but not kept`);
    shared.references += 1;
    return { kind: "set", set: shared.set };
  }

  /** Lets go of what an object or a part names. */
  release(named: Named, nowMs: number): void {
    const { content, sizeBytes } = named;
    if (content.kind === "inline") this.inline.delete(content.dataId);
    else if (content.kind === "manifest") this.removeUpload(content.manifestId, nowMs);
    else this.#releaseSet(content.set.id, sizeBytes, nowMs);
  }

  /** Forgets an upload, or the manifest of an object that goes, with all its parts. */
  removeUpload(manifestId: number, nowMs: number): void {
    const upload = this.uploads.get(manifestId);
    const parts = [...(upload?.parts.values() ?? [])].toSorted((a, b) => a.number - b.number);
    for (const part of parts) this.release(part, nowMs);
    this.uploads.delete(manifestId);
  }

  /** A record as it stands now: its set may have lost shards since it was written. */
  current<Kept extends { readonly content: ObjectRecord["content"] }>(kept: Kept): Kept {
    const { content } = kept;
    if (content.kind === "inline" || content.kind === "manifest") return kept;
    const shared = this.sets.get(content.set.id);
    return shared === undefined ? kept : { ...kept, content: { ...content, set: shared.set } };
  }

  trashSet(set: ShardSetRecord, nowMs: number): void {
    this.sets.delete(set.id);
    const shardCount = set.dataShards + set.parityShards;
    const { id: setId, layoutVersion } = set;
    this.trash.push({ setId, layoutVersion, shardCount, trashedAt: nowMs });
  }

  #addToPack(said: ShardSetRecord, sizeBytes: number): ShardSetRecord {
    const standing = this.sets.get(said.id);
    const missing = sortedIndexes([...(standing?.set.missing ?? []), ...said.missing]);
    const set = { ...said, sizeBytes: standing?.set.sizeBytes ?? 0, missing };
    const pack = standing?.pack ?? { isOpen: true, liveBytes: 0 };
    pack.liveBytes += sizeBytes;
    this.sets.set(set.id, { set, references: (standing?.references ?? 0) + 1, pack });
    return set;
  }

  #releaseSet(setId: SetId, sizeBytes: number, nowMs: number): void {
    const shared = this.sets.get(setId);
    if (shared === undefined) throw new Error(`set ${setId} is named but not kept`);
    shared.references -= 1;
    if (shared.pack !== undefined) shared.pack.liveBytes -= sizeBytes;
    this.trashDead(shared, nowMs);
  }

  /** Puts a set to which nothing refers into the trash, but no pack that may still grow. */
  trashDead({ set, references, pack }: SharedSet, nowMs: number): boolean {
    if (references > 0 || pack?.isOpen === true) return false;
    this.trashSet(set, nowMs);
    return true;
  }
}

/** An object or a part: bytes that are somewhere. */
type Named = Pick<ObjectRecord, "content" | "sizeBytes">;

/** What of a set never changes. */
function geometryOf(set: ShardSetRecord): Omit<ShardSetRecord, "missing" | "sizeBytes"> {
  const { missing: _missing, sizeBytes: _sizeBytes, ...geometry } = set;
  return geometry;
}

export function byId(a: SharedSet, b: SharedSet): number {
  return a.set.id < b.set.id ? -1 : 1;
}

/** Each index once, in order. */
export function sortedIndexes(indexes: readonly number[]): readonly number[] {
  return [...new Set(indexes)].toSorted((a, b) => a - b);
}
