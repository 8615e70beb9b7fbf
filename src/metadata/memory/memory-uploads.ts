// The writes of the in-memory model to multipart uploads.

import { S3Error } from "../../core/s3-error.ts";
import type {
  CompleteUploadInput,
  CompletionRecord,
  CreateUploadInput,
  PutPartInput,
} from "../metadata-store.ts";
import type { ObjectRecord, PartRecord } from "../records.ts";
import { checkGivenLock, lockOf } from "../object-lock.ts";
import { checkCondition } from "../write-condition.ts";
import { RECORD_NUMBER } from "../write-inputs.ts";
import type { StoredPart, UploadName, WriteHandlers } from "../write-operations.ts";
import type { MemoryState, MemoryUpload } from "./memory-state.ts";
import { addObject, checkRoom, currentObject, versionIdIn } from "./memory-versions.ts";

type UploadWrite = "abortUpload" | "completeUpload" | "createUpload" | "putPart";

export function memoryUploads(state: MemoryState): Pick<WriteHandlers, UploadWrite> {
  return {
    createUpload: (input) => createUpload(state, input),
    putPart: (input, nowMs) => putPart(state, input, nowMs),
    completeUpload: (input, nowMs) => completeUpload(state, input, nowMs),
    abortUpload: (name, nowMs) =>
      state.removeUpload(getUpload(state, name).record.manifestId, nowMs),
  };
}

function createUpload(state: MemoryState, input: CreateUploadInput): number {
  const { bucketId, ...said } = input;
  checkGivenLock(input.lock, state.getBucket(bucketId).record.lock);
  for (const { record } of state.uploads.values()) {
    if (record.uploadId === input.uploadId) throw new Error(`upload ${input.uploadId} exists`);
  }
  const manifestId = state.nextNumber();
  const record = { ...said, manifestId, completed: undefined };
  state.uploads.set(manifestId, { bucketId, record, parts: new Map() });
  return manifestId;
}

/** An upload in progress. @throws S3Error NoSuchUpload */
function getUpload(state: MemoryState, { bucketId, key, uploadId }: UploadName): MemoryUpload {
  for (const upload of state.uploads.values()) {
    const { record } = upload;
    if (record.uploadId !== uploadId || record.completed !== undefined) continue;
    if (upload.bucketId === bucketId && record.key === key) return upload;
  }
  throw new S3Error("NoSuchUpload", { detail: { UploadId: uploadId } });
}

function putPart(state: MemoryState, input: PutPartInput, nowMs: number): StoredPart {
  const { parts } = getUpload(state, input);
  state.checkContent(input.content);
  const partId = state.nextNumber();
  const content = state.acquire(input.content, partId, input.sizeBytes);
  const replaced = parts.get(input.number);
  if (replaced !== undefined) state.release(replaced, nowMs);
  const { number, sizeBytes, etag, uploadedAt, checksums, encryption } = input;
  const said = { number, sizeBytes, etag, uploadedAt, checksums, encryption };
  parts.set(number, { ...said, partId, content, startOffset: undefined });
  return { partId, content };
}

function completeUpload(
  state: MemoryState,
  input: CompleteUploadInput,
  nowMs: number,
): ObjectRecord {
  const upload = getUpload(state, input);
  const chosen = chooseParts(upload, input);
  const bucket = state.getBucket(input.bucketId);
  checkCondition(input.key, currentObject(bucket, input.key)?.etag, input.condition);
  const lock = lockOf(upload.record.lock, bucket.record.lock, input.completedAt);
  checkRoom(bucket, input.key, input.sizeBytes);

  const kept = new Map(chosen.map((part) => [part.number, part]));
  const unnamed = [...upload.parts.values()].filter(({ number }) => !kept.has(number));
  for (const part of unnamed.toSorted((a, b) => a.number - b.number)) {
    state.release(part, nowMs);
  }
  upload.parts.clear();
  for (const part of chosen) upload.parts.set(part.number, part);
  if (input.record !== undefined) keepRecord(state, upload, input.record, input.completedAt);

  const { record } = upload;
  const sequence = state.nextNumber();
  const versionId = versionIdIn(bucket, sequence);
  upload.record = { ...record, completed: { etag: input.etag, sequence, versionId } };
  const object: ObjectRecord = {
    key: input.key,
    versionId,
    sequence,
    sizeBytes: input.sizeBytes,
    etag: input.etag,
    modifiedAt: input.completedAt,
    ownerId: record.ownerId,
    storageClass: record.storageClass,
    checksum: input.checksum,
    attributes: record.attributes,
    tags: record.tags,
    acl: record.acl,
    encryption: record.encryption,
    lock,
    content: { kind: "manifest", manifestId: record.manifestId, partCount: chosen.length },
  };
  addObject(state, bucket, { object, nowMs });
  return object;
}

function keepRecord(
  state: MemoryState,
  upload: MemoryUpload,
  { content: given, sizeBytes, etag }: CompletionRecord,
  uploadedAt: number,
): void {
  const partId = state.nextNumber();
  const content = state.acquire(given, partId, sizeBytes);
  const said = { number: RECORD_NUMBER, sizeBytes, etag, uploadedAt, checksums: [] };
  const rest = { encryption: undefined, content, startOffset: undefined };
  upload.parts.set(RECORD_NUMBER, { ...said, ...rest, partId });
}

/** The named parts with their start offsets. @throws S3Error InvalidPart, InvalidPartOrder */
function chooseParts({ parts }: MemoryUpload, input: CompleteUploadInput): readonly PartRecord[] {
  let startOffset = 0;
  let numberBefore = 0;
  return input.parts.map(({ number, partId }) => {
    if (number <= numberBefore) throw new S3Error("InvalidPartOrder");
    const part = parts.get(number);
    if (part?.partId !== partId) {
      throw new S3Error("InvalidPart", { detail: { PartNumber: String(number) } });
    }
    const placed = { ...part, startOffset };
    startOffset += part.sizeBytes;
    numberBefore = number;
    return placed;
  });
}
