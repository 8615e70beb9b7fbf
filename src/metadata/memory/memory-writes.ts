// The writes of the in-memory model to everything but uploads. Each checks all it must before it changes anything, so
// that a refused write leaves no trace.

import { S3Error } from "../../core/s3-error.ts";
import type { CreateBucketInput, PutObjectInput } from "../metadata-store.ts";
import type { BucketRecord, ObjectRecord } from "../records.ts";
import { checkCondition } from "../write-condition.ts";
import type {
  BucketConfigInput,
  ObjectTagsInput,
  StoredObject,
  WriteHandlers,
} from "../write-operations.ts";
import { byId, sortedIndexes, type MemoryBucket, type MemoryState } from "./memory-state.ts";

type ClusterWrite =
  | "addLayout"
  | "beginIncarnation"
  | "dropTrash"
  | "endIncarnation"
  | "ensureSetting"
  | "noteMissing"
  | "reset";
type BucketWrite = "createBucket" | "deleteBucket" | "putBucketConfig";
type ObjectWrite = "deleteObjects" | "putObject" | "putObjectTags";

export function memoryWrites(
  state: MemoryState,
): Pick<WriteHandlers, BucketWrite | ClusterWrite | ObjectWrite> {
  return {
    ...clusterWrites(state),
    createBucket: (input) => createBucket(state, input),
    deleteBucket: ({ bucketId }, nowMs) => deleteBucket(state, bucketId, nowMs),
    putBucketConfig: (input) => putBucketConfig(state, input),
    putObject: (input, nowMs) => putObject(state, input, nowMs),
    deleteObjects: ({ bucketId, keys }, nowMs) => {
      const bucket = state.getBucket(bucketId);
      return keys.map((key) => deleteObject(state, bucket, { key, nowMs }));
    },
    putObjectTags: (input) => putObjectTags(state, input),
  };
}

function clusterWrites(state: MemoryState): Pick<WriteHandlers, ClusterWrite> {
  return {
    ensureSetting: ({ name, value }) => {
      const standing = state.settings.get(name) ?? value;
      state.settings.set(name, standing);
      return standing;
    },
    beginIncarnation: ({ incarnation, startedAt }) => {
      if (state.processes.has(incarnation)) throw new Error(`incarnation ${incarnation} exists`);
      state.processes.set(incarnation, { incarnation, startedAt, endedAt: undefined });
    },
    endIncarnation: ({ incarnation, endedAt }) => {
      const process = state.processes.get(incarnation);
      if (process && process.endedAt === undefined) {
        state.processes.set(incarnation, { ...process, endedAt });
      }
    },
    addLayout: (layout) => {
      if (state.layouts.has(layout.version)) {
        throw new Error(`layout version ${layout.version} exists already`);
      }
      state.layouts.set(layout.version, layout);
    },
    noteMissing: ({ setId, indexes }) => {
      const shared = state.sets.get(setId);
      if (shared === undefined) return;
      const missing = sortedIndexes([...shared.set.missing, ...indexes]);
      shared.set = { ...shared.set, missing };
    },
    dropTrash: ({ setIds }) => {
      const dropped = new Set(setIds);
      state.trash = state.trash.filter(({ setId }) => !dropped.has(setId));
    },
    reset: (_input, nowMs) => reset(state, nowMs),
  };
}

function reset(state: MemoryState, nowMs: number): void {
  const sets = [...state.sets.values()].toSorted(byId);
  for (const shared of sets) {
    if (shared.pack?.isOpen === true) {
      shared.references = 0;
      shared.pack.liveBytes = 0;
    } else state.trashSet(shared.set, nowMs);
  }
  state.inline.clear();
  state.uploads.clear();
  state.buckets.clear();
}

function createBucket(state: MemoryState, input: CreateBucketInput): BucketRecord {
  for (const { record } of state.buckets.values()) {
    if (record.name !== input.name) continue;
    const isOwn = record.ownerId === input.ownerId;
    throw new S3Error(isOwn ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists", {
      detail: { BucketName: input.name },
    });
  }
  const record: BucketRecord = {
    id: state.nextNumber(),
    ...input,
    versioning: "off",
    settingsVersion: 1,
    objectCount: 0,
    objectBytes: 0,
  };
  state.buckets.set(record.id, { record, config: new Map(), objects: new Map() });
  return record;
}

function deleteBucket(state: MemoryState, bucketId: number, nowMs: number): void {
  const { record, objects } = state.getBucket(bucketId);
  if (objects.size > 0) {
    throw new S3Error("BucketNotEmpty", { detail: { BucketName: record.name } });
  }
  for (const [manifestId, upload] of state.uploads) {
    if (upload.bucketId === bucketId) state.removeUpload(manifestId, nowMs);
  }
  state.buckets.delete(bucketId);
}

function putBucketConfig(state: MemoryState, { bucketId, name, value }: BucketConfigInput): void {
  const bucket = state.getBucket(bucketId);
  if (value === undefined) bucket.config.delete(name);
  else bucket.config.set(name, value);
  const settingsVersion = bucket.record.settingsVersion + 1;
  bucket.record = { ...bucket.record, settingsVersion };
}

function putObject(state: MemoryState, input: PutObjectInput, nowMs: number): StoredObject {
  const bucket = state.getBucket(input.bucketId);
  checkCondition(input.key, bucket.objects.get(input.key)?.etag, input.condition);
  state.checkContent(input.content);
  const sequence = state.nextNumber();
  // The reference is taken before the old one goes: a copy onto itself shares the set that it replaces.
  const content = state.acquire(input.content, sequence, input.sizeBytes);
  const { bucketId: _bucketId, condition: _condition, ...said } = input;
  replaceObject(state, bucket, {
    object: { ...said, content, sequence, versionId: "null" },
    nowMs,
  });
  return { sequence, content };
}

/** Makes a record the current version; what it replaces goes. */
export function replaceObject(
  state: MemoryState,
  bucket: MemoryBucket,
  { object, nowMs }: { readonly object: ObjectRecord; readonly nowMs: number },
): void {
  deleteObject(state, bucket, { key: object.key, nowMs });
  bucket.objects.set(object.key, object);
  count(bucket, 1, object.sizeBytes);
}

function deleteObject(
  state: MemoryState,
  bucket: MemoryBucket,
  { key, nowMs }: { readonly key: string; readonly nowMs: number },
): boolean {
  const object = bucket.objects.get(key);
  if (object === undefined) return false;
  bucket.objects.delete(key);
  count(bucket, -1, -object.sizeBytes);
  state.release(object, nowMs);
  return true;
}

function count(bucket: MemoryBucket, objects: number, bytes: number): void {
  const { record } = bucket;
  const objectCount = record.objectCount + objects;
  bucket.record = { ...record, objectCount, objectBytes: record.objectBytes + bytes };
}

function putObjectTags(state: MemoryState, { bucketId, key, tags }: ObjectTagsInput): void {
  const { objects } = state.getBucket(bucketId);
  const object = objects.get(key);
  if (object === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
  objects.set(key, { ...object, tags });
}
