// What the in-memory model holds, and the one rule that all its writes share: content is referenced, and the last
// reference that goes takes the bytes away or puts the set into the trash.

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

export interface MemoryBucket {
  record: BucketRecord;
  readonly config: Map<string, string>;
  readonly objects: Map<string, ObjectRecord>;
}

export interface MemoryUpload {
  readonly bucketId: number;
  record: UploadRecord;
  readonly parts: Map<number, PartRecord>;
}

interface SharedSet {
  set: ShardSetRecord;
  references: number;
}

export class MemoryState {
  readonly settings = new Map<string, string>();
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
      const source = this.buckets.get(bucketId)?.objects.get(key);
      const holds = source?.content.kind === "set" && source.content.set.id === content.setId;
      if (!holds || source.sequence !== sequence) {
        throw new S3Error("NoSuchKey", { detail: { Key: key } });
      }
    } else if (content.kind === "set") {
      const { id } = content.set;
      if (this.processes.get(incarnationOf(id))?.endedAt !== undefined) {
        throw new Error(`the process that wrote set ${id} has ended`);
      }
      if (this.sets.has(id)) throw new Error(`set ${id} exists already`);
    }
  }

  /** Takes a reference to checked content; `dataId` numbers inline bytes. */
  acquire(content: NewContent, dataId: number): Content {
    if (content.kind === "inline") {
      this.inline.set(dataId, Uint8Array.from(content.bytes));
      return { kind: "inline", dataId };
    }
    if (content.kind === "set") {
      const set = { ...content.set, missing: sortedIndexes(content.set.missing) };
      this.sets.set(set.id, { set, references: 1 });
      return { kind: "set", set };
    }
    if (content.kind === "packed") throw new Error("packs are not kept yet");
    const shared = this.sets.get(content.setId);
    if (shared === undefined) throw new Error(`set ${content.setId} is named but not kept`);
    shared.references += 1;
    return { kind: "set", set: shared.set };
  }

  release(content: ObjectRecord["content"], nowMs: number): void {
    if (content.kind === "inline") this.inline.delete(content.dataId);
    else if (content.kind !== "manifest") this.#releaseSet(content.set.id, nowMs);
    else this.removeUpload(content.manifestId, nowMs);
  }

  /** Forgets an upload, or the manifest of an object that goes, with all its parts. */
  removeUpload(manifestId: number, nowMs: number): void {
    const upload = this.uploads.get(manifestId);
    const parts = [...(upload?.parts.values() ?? [])].toSorted((a, b) => a.number - b.number);
    for (const part of parts) this.release(part.content, nowMs);
    this.uploads.delete(manifestId);
  }

  /** A record as it stands now: its set may have lost shards since it was written. */
  current<Kept extends { readonly content: ObjectRecord["content"] }>(kept: Kept): Kept {
    if (kept.content.kind !== "set") return kept;
    const shared = this.sets.get(kept.content.set.id);
    return shared === undefined ? kept : { ...kept, content: { kind: "set", set: shared.set } };
  }

  trashSet(set: ShardSetRecord, nowMs: number): void {
    this.sets.delete(set.id);
    const shardCount = set.dataShards + set.parityShards;
    const { id: setId, layoutVersion } = set;
    this.trash.push({ setId, layoutVersion, shardCount, trashedAt: nowMs });
  }

  #releaseSet(setId: SetId, nowMs: number): void {
    const shared = this.sets.get(setId);
    if (shared === undefined) throw new Error(`set ${setId} is named but not kept`);
    shared.references -= 1;
    if (shared.references === 0) this.trashSet(shared.set, nowMs);
  }
}

/** Each index once, in order. */
export function sortedIndexes(indexes: readonly number[]): readonly number[] {
  return [...new Set(indexes)].toSorted((a, b) => a - b);
}
