// The writes of MetadataStore as plain data, safe for structured clone: what a caller sends to the one writer, be it in
// this thread, another thread or another process. How they travel is the transport's business, not theirs.

import type { AccountId, Incarnation, SetId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type {
  CompleteUploadInput,
  CreateBucketInput,
  CreateUploadInput,
  DeleteOutcome,
  DeleteRequest,
  FoundShards,
  MovePackedInput,
  PutObjectInput,
  PutPartInput,
  ReplaceSetInput,
  SeenVersion,
  VersionName,
} from "./metadata-store.ts";
import type { RetentionPermission } from "./object-lock.ts";
import type {
  BucketLock,
  BucketRecord,
  Content,
  LayoutRecord,
  ObjectLock,
  ObjectRecord,
  Retention,
} from "./records.ts";

/** What a write says beyond what its input said. */
export interface StoredObject {
  readonly sequence: number;
  readonly versionId: string;
  readonly lock: ObjectLock;
  readonly content: Content;
}

export interface StoredPart {
  readonly partId: number;
  readonly content: Content;
}

export interface UploadName {
  readonly bucketId: number;
  readonly key: string;
  readonly uploadId: UploadId;
}

export interface DeleteObjectsInput {
  readonly bucketId: number;
  readonly requests: readonly DeleteRequest[];
  readonly marker: { readonly ownerId: AccountId; readonly now: number };
}

export interface ObjectTagsInput {
  readonly name: SeenVersion;
  readonly tags: readonly Tag[];
}

export interface ObjectAclInput {
  readonly name: SeenVersion;
  readonly acl: string | undefined;
}

export interface RetentionInput {
  readonly name: VersionName;
  readonly retention: Retention | undefined;
  readonly permission: RetentionPermission;
}

export interface LegalHoldInput {
  readonly name: VersionName;
  readonly isOn: boolean;
}

export interface VersioningInput {
  readonly bucketId: number;
  readonly versioning: "enabled" | "suspended";
}

export interface BucketLockInput {
  readonly bucketId: number;
  readonly lock: BucketLock;
}

export interface BucketQuotaInput {
  readonly bucketId: number;
  readonly quotaBytes: number | undefined;
}

export interface ProgressInput {
  readonly job: string;
  /** Undefined removes it. */
  readonly text: string | undefined;
}

export interface BucketConfigInput {
  readonly bucketId: number;
  readonly name: string;
  /** Undefined removes it. */
  readonly value: string | undefined;
}

interface LayoutUse {
  readonly version: number;
  readonly isAlone: boolean;
}

interface Write<Input, Result> {
  readonly input: Input;
  readonly result: Result;
}

/** Every write with what it takes and what it answers. */
interface WriteTypes {
  readonly ensureSetting: Write<{ readonly name: string; readonly value: string }, string>;
  readonly putSetting: Write<{ readonly name: string; readonly value: string }, void>;
  readonly beginIncarnation: Write<
    { readonly incarnation: Incarnation; readonly startedAt: number },
    void
  >;
  readonly endIncarnation: Write<
    { readonly incarnation: Incarnation; readonly endedAt: number },
    void
  >;
  readonly endOtherIncarnations: Write<
    { readonly own: Incarnation; readonly endedAt: number },
    void
  >;
  readonly addLayout: Write<LayoutRecord, void>;
  readonly useLayout: Write<LayoutUse, void>;
  readonly putProgress: Write<ProgressInput, void>;
  readonly createBucket: Write<CreateBucketInput, BucketRecord>;
  /** Answers whether it is gone: else some of its uploads are, and it is to be asked for again. */
  readonly deleteBucket: Write<{ readonly bucketId: number }, boolean>;
  readonly putBucketConfig: Write<BucketConfigInput, void>;
  readonly setVersioning: Write<VersioningInput, void>;
  readonly putBucketLock: Write<BucketLockInput, void>;
  readonly putBucketQuota: Write<BucketQuotaInput, void>;
  readonly putObject: Write<PutObjectInput, StoredObject>;
  readonly deleteObjects: Write<DeleteObjectsInput, readonly DeleteOutcome[]>;
  readonly putObjectTags: Write<ObjectTagsInput, void>;
  readonly putObjectAcl: Write<ObjectAclInput, void>;
  readonly putRetention: Write<RetentionInput, void>;
  readonly putLegalHold: Write<LegalHoldInput, void>;
  /** Answers the manifest's id. */
  readonly createUpload: Write<CreateUploadInput, number>;
  readonly putPart: Write<PutPartInput, StoredPart>;
  readonly completeUpload: Write<CompleteUploadInput, ObjectRecord>;
  readonly abortUpload: Write<UploadName, void>;
  readonly noteMissing: Write<{ readonly setId: SetId; readonly indexes: readonly number[] }, void>;
  readonly noteFound: Write<FoundShards & { readonly setId: SetId }, void>;
  readonly sealPack: Write<
    { readonly setId: SetId; readonly fileBytes: number },
    "kept" | "trashed" | "unknown"
  >;
  readonly movePacked: Write<MovePackedInput, boolean>;
  readonly replaceSet: Write<ReplaceSetInput, boolean>;
  readonly dropTrash: Write<{ readonly setIds: readonly SetId[] }, void>;
  readonly reset: Write<undefined, void>;
}

export type WriteName = keyof WriteTypes;
type WriteInput<Name extends WriteName> = WriteTypes[Name]["input"];
export type WriteResult<Name extends WriteName> = WriteTypes[Name]["result"];

export interface WriteRequest<Name extends WriteName = WriteName> {
  readonly name: Name;
  readonly input: WriteInput<Name>;
}

/** One function a write. `nowMs` is the wall time that dates what goes to the trash. */
export type WriteHandlers = {
  readonly [Name in WriteName]: (input: WriteInput<Name>, nowMs: number) => WriteResult<Name>;
};

/** @throws S3Error where the write is refused. */
export function applyWrite<Name extends WriteName>(
  handlers: WriteHandlers,
  request: WriteRequest<Name>,
  nowMs: number,
): WriteResult<Name> {
  const handle = handlers[request.name];
  return handle(request.input, nowMs);
}

/** Takes writes to the writer; resolves when they are durable and visible. */
export interface WritePort {
  submit<Name extends WriteName>(request: WriteRequest<Name>): Promise<WriteResult<Name>>;
  /** Whether the writer is gone for good: every write is refused until the process is started anew. */
  readonly hasFailed: boolean;
  /** How long the oldest write has been with the writer, in milliseconds; 0 when there is none. */
  readonly waitMs: number;
  /** Resolves when every write submitted before has been answered and the writer has ended. */
  close(): Promise<void>;
}
