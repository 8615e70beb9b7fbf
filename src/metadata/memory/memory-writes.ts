// The writes of the in-memory model to everything but uploads. Each checks all it must before it changes anything, so
// that a refused write leaves no trace.

import { S3Error } from "../../core/s3-error.ts";
import type { CreateBucketInput, PutObjectInput } from "../metadata-store.ts";
import {
  checkRetentionChange,
  lockOf,
  lockingUnversioned,
  requireBucketLock,
  suspendingLocked,
} from "../object-lock.ts";
import type { BucketRecord, ObjectRecord } from "../records.ts";
import { requireSeen } from "../require-seen.ts";
import { checkCondition } from "../write-condition.ts";
import type { StoredObject, WriteHandlers } from "../write-operations.ts";
import { byId, sortedIndexes, type MemoryBucket, type MemoryState } from "./memory-state.ts";
import {
  addObject,
  checkRoom,
  currentObject,
  deleteOne,
  getObjectVersion,
  setVersion,
  versionIdIn,
} from "./memory-versions.ts";

type ClusterWrite =
  | "addLayout"
  | "useLayout"
  | "beginIncarnation"
  | "dropTrash"
  | "ensureSetting"
  | "noteFound"
  | "noteMissing"
  | "putProgress"
  | "putSetting"
  | "reset";
type BucketWrite =
  | "createBucket"
  | "deleteBucket"
  | "putBucketConfig"
  | "putBucketLock"
  | "putBucketQuota"
  | "setVersioning";
type ObjectWrite =
  | "deleteObjects"
  | "putLegalHold"
  | "putObject"
  | "putObjectAcl"
  | "putObjectTags"
  | "putRetention";

export function memoryWrites(
  state: MemoryState,
): Pick<WriteHandlers, BucketWrite | ClusterWrite | ObjectWrite> {
  return {
    ...clusterWrites(state),
    ...bucketWrites(state),
    putObject: (input, nowMs) => putObject(state, input, nowMs),
    deleteObjects: ({ bucketId, requests, marker }, nowMs) => {
      const bucket = state.getBucket(bucketId);
      return requests.map((request) => deleteOne(state, bucket, request, { marker, nowMs }));
    },
    ...versionSettings(state),
  };
}

function bucketWrites(state: MemoryState): Pick<WriteHandlers, BucketWrite> {
  return {
    createBucket: (input) => createBucket(state, input),
    deleteBucket: ({ bucketId }, nowMs) => deleteBucket(state, bucketId, nowMs),
    putBucketConfig: ({ bucketId, name, value }) => {
      const bucket = state.getBucket(bucketId);
      if (value === undefined) bucket.config.delete(name);
      else bucket.config.set(name, value);
      changeSettings(bucket, {});
    },
    setVersioning: ({ bucketId, versioning }) => {
      const bucket = state.getBucket(bucketId);
      const isLocked = bucket.record.lock !== undefined;
      if (isLocked && versioning === "suspended") throw suspendingLocked();
      changeSettings(bucket, { versioning });
    },
    putBucketLock: ({ bucketId, lock }) => {
      const bucket = state.getBucket(bucketId);
      if (bucket.record.versioning !== "enabled") throw lockingUnversioned();
      changeSettings(bucket, { lock });
    },
    putBucketQuota: ({ bucketId, quotaBytes }) =>
      changeSettings(state.getBucket(bucketId), { quotaBytes }),
  };
}

function changeSettings(bucket: MemoryBucket, changed: Partial<BucketRecord>): void {
  const settingsVersion = bucket.record.settingsVersion + 1;
  bucket.record = { ...bucket.record, ...changed, settingsVersion };
}

type VersionSettings = "putLegalHold" | "putObjectAcl" | "putObjectTags" | "putRetention";

function versionSettings(state: MemoryState): Pick<WriteHandlers, VersionSettings> {
  return {
    putObjectTags: ({ name, tags }) => {
      const bucket = state.getBucket(name.bucketId);
      const object = getObjectVersion(bucket, name);
      requireSeen(name, object.sequence);
      setVersion(bucket, object, { ...object, tags });
    },
    putObjectAcl: ({ name, acl }) => {
      const bucket = state.getBucket(name.bucketId);
      const object = getObjectVersion(bucket, name);
      requireSeen(name, object.sequence);
      setVersion(bucket, object, { ...object, acl });
    },
    putRetention: ({ name, retention, permission }) => {
      const bucket = state.getBucket(name.bucketId);
      requireBucketLock(bucket.record.lock);
      const object = getObjectVersion(bucket, name);
      checkRetentionChange(object.lock.retention, retention, permission);
      setVersion(bucket, object, { ...object, lock: { ...object.lock, retention } });
    },
    putLegalHold: ({ name, isOn }) => {
      const bucket = state.getBucket(name.bucketId);
      requireBucketLock(bucket.record.lock);
      const object = getObjectVersion(bucket, name);
      setVersion(bucket, object, { ...object, lock: { ...object.lock, legalHold: isOn } });
    },
  };
}

function clusterWrites(state: MemoryState): Pick<WriteHandlers, ClusterWrite> {
  return {
    ensureSetting: ({ name, value }) => {
      const standing = state.settings.get(name) ?? value;
      state.settings.set(name, standing);
      return standing;
    },
    putSetting: ({ name, value }) => {
      state.settings.set(name, value);
    },
    beginIncarnation: ({ incarnation, startedAt }) => {
      if (state.processes.has(incarnation)) throw new Error(`incarnation ${incarnation} exists`);
      state.processes.set(incarnation, { incarnation, startedAt, endedAt: undefined });
    },
    addLayout: (layout) => {
      if (state.layouts.has(layout.version)) {
        throw new Error(`layout version ${layout.version} exists already`);
      }
      state.layouts.set(layout.version, layout);
    },
    useLayout: ({ version, isAlone }) => {
      for (const layout of state.layouts.values()) {
        const isIt = layout.version === version;
        const isRetired = isAlone && layout.version < version && layout.retiredInto === undefined;
        if (isIt) state.layouts.set(layout.version, { ...layout, isWritten: true });
        else if (isRetired) state.layouts.set(layout.version, { ...layout, retiredInto: version });
      }
    },
    noteMissing: ({ setId, indexes }) => {
      const shared = state.sets.get(setId);
      if (shared === undefined) return;
      const missing = sortedIndexes([...shared.set.missing, ...indexes]);
      shared.set = { ...shared.set, missing };
    },
    noteFound: ({ setId, noted, found }) => {
      const shared = state.sets.get(setId);
      if (shared === undefined || shared.set.missing.join() !== noted.join()) return;
      const missing = noted.filter((index) => !found.includes(index));
      shared.set = { ...shared.set, missing };
    },
    dropTrash: ({ setIds }) => {
      const dropped = new Set(setIds);
      state.trash = state.trash.filter(({ setId }) => !dropped.has(setId));
    },
    putProgress: ({ job, text }) => {
      if (text === undefined) state.progress.delete(job);
      else state.progress.set(job, text);
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
  state.progress.clear();
}

function createBucket(state: MemoryState, input: CreateBucketInput): BucketRecord {
  for (const { record } of state.buckets.values()) {
    if (record.name !== input.name) continue;
    const isOwn = record.ownerId === input.ownerId;
    throw new S3Error(isOwn ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists", {
      detail: { BucketName: input.name },
    });
  }
  const { hasLock, documents = {}, ...said } = input;
  const record: BucketRecord = {
    id: state.nextNumber(),
    ...said,
    versioning: hasLock ? "enabled" : "off",
    lock: hasLock ? { defaultRetention: undefined } : undefined,
    quotaBytes: undefined,
    settingsVersion: 1,
    objectCount: 0,
    objectBytes: 0,
  };
  const config = new Map(Object.entries(documents));
  state.buckets.set(record.id, { record, config, versions: new Map() });
  return record;
}

function deleteBucket(state: MemoryState, bucketId: number, nowMs: number): boolean {
  const { record, versions } = state.getBucket(bucketId);
  if (versions.size > 0) {
    throw new S3Error("BucketNotEmpty", { detail: { BucketName: record.name } });
  }
  for (const [manifestId, upload] of state.uploads) {
    if (upload.bucketId === bucketId) state.removeUpload(manifestId, nowMs);
  }
  return state.buckets.delete(bucketId);
}

function putObject(state: MemoryState, input: PutObjectInput, nowMs: number): StoredObject {
  const bucket = state.getBucket(input.bucketId);
  checkCondition(input.key, currentObject(bucket, input.key)?.etag, input.condition);
  const lock = lockOf(input.lock, bucket.record.lock, input.modifiedAt);
  state.checkContent(input.content);
  checkRoom(bucket, input.key, input.sizeBytes);
  const sequence = state.nextNumber();
  // The reference is taken before the old one goes: a copy onto itself shares the set that it replaces.
  const content = state.acquire(input.content, sequence, input.sizeBytes);
  const versionId = versionIdIn(bucket, sequence);
  const { bucketId: _bucketId, condition: _condition, ...said } = input;
  const object: ObjectRecord = { ...said, lock, content, sequence, versionId };
  addObject(state, bucket, { object, nowMs });
  return { sequence, versionId, lock, content };
}
