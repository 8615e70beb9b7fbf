// MetadataStore over an engine that reads in the calling thread and sends its writes, as plain data, to one writer.
// Every read below is synchronous: no statement of an engine is ever left open across an await.

import type { AccountId, Incarnation, SetId, UploadId } from "../core/ids.ts";
import type { Tag } from "../core/tags.ts";
import type {
  CompleteUploadInput,
  CreateBucketInput,
  CreateUploadInput,
  DeleteRequest,
  DueQuery,
  FoundShards,
  JournalReport,
  ListBucketsQuery,
  ListObjectsQuery,
  ListUploadsQuery,
  ListVersionsQuery,
  MetadataStore,
  MovePackedInput,
  PartPage,
  PutObjectInput,
  PutPartInput,
  ReplaceSetInput,
  SeenVersion,
  VersionName,
  WalkQuery,
} from "./metadata-store.ts";
import type { RetentionPermission } from "./object-lock.ts";
import type {
  BucketLock,
  LayoutRecord,
  ObjectRecord,
  PartRecord,
  Retention,
  UploadRecord,
} from "./records.ts";
import type { ReadName } from "./read-name.ts";
import type { WritePort } from "./write-operations.ts";

/** The reads of MetadataStore, answered at once. */
export type MetadataReader = {
  readonly [Name in ReadName]: (
    ...input: Parameters<MetadataStore[Name]>
  ) => Awaited<ReturnType<MetadataStore[Name]>>;
};

/** What an engine consists of. */
export interface EngineParts {
  /** As it stands: the database behind it may be replaced. */
  readonly reader: () => MetadataReader;
  readonly writer: WritePort;
  /** How the members are doing, where there are any. */
  readonly journalReport?: () => JournalReport | undefined;
  readonly compareWithMembers?: MetadataStore["compareWithMembers"];
  readonly restoreFromMembers?: MetadataStore["restoreFromMembers"];
  /** Ends reading; called before the writer ends. */
  readonly closeReader: () => void;
  /** Called last: gives up what keeps other processes out. */
  readonly release: () => void;
}

export class EngineStore implements MetadataStore {
  readonly #parts: EngineParts;
  readonly #writer: WritePort;
  #closing: Promise<void> | undefined;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#writer = parts.writer;
  }

  get #reader(): MetadataReader {
    return this.#parts.reader();
  }

  isWritable(): boolean {
    return !this.#writer.hasFailed;
  }

  writeWaitMs(): number {
    return this.#writer.waitMs;
  }

  async findSetting(name: string) {
    return this.#reader.findSetting(name);
  }

  async ensureSetting(name: string, value: string) {
    return this.#writer.submit({ name: "ensureSetting", input: { name, value } });
  }

  async putSetting(name: string, value: string) {
    await this.#writer.submit({ name: "putSetting", input: { name, value } });
  }

  async beginIncarnation(input: { incarnation: Incarnation; startedAt: number }) {
    await this.#writer.submit({ name: "beginIncarnation", input });
  }

  async endIncarnation(incarnation: Incarnation, endedAt: number) {
    await this.#writer.submit({ name: "endIncarnation", input: { incarnation, endedAt } });
  }

  async endOtherIncarnations(own: Incarnation, endedAt: number) {
    await this.#writer.submit({ name: "endOtherIncarnations", input: { own, endedAt } });
  }

  async listProcesses() {
    return this.#reader.listProcesses();
  }

  async findLayouts() {
    return this.#reader.findLayouts();
  }

  async addLayout(input: LayoutRecord) {
    await this.#writer.submit({ name: "addLayout", input });
  }

  async useLayout(version: number, isAlone: boolean) {
    await this.#writer.submit({ name: "useLayout", input: { version, isAlone } });
  }

  async findBucket(name: string) {
    return this.#reader.findBucket(name);
  }

  async findBucketById(bucketId: number) {
    return this.#reader.findBucketById(bucketId);
  }

  async listBuckets(query: ListBucketsQuery) {
    return this.#reader.listBuckets(query);
  }

  async createBucket(input: CreateBucketInput) {
    return this.#writer.submit({ name: "createBucket", input });
  }

  async deleteBucket(bucketId: number) {
    while (!(await this.#writer.submit({ name: "deleteBucket", input: { bucketId } })));
  }

  async findBucketConfig(bucketId: number, name: string) {
    return this.#reader.findBucketConfig(bucketId, name);
  }

  async putBucketConfig(bucketId: number, name: string, value: string | undefined) {
    await this.#writer.submit({ name: "putBucketConfig", input: { bucketId, name, value } });
  }

  async setVersioning(bucketId: number, versioning: "enabled" | "suspended") {
    await this.#writer.submit({ name: "setVersioning", input: { bucketId, versioning } });
  }

  async putBucketLock(bucketId: number, lock: BucketLock) {
    await this.#writer.submit({ name: "putBucketLock", input: { bucketId, lock } });
  }

  async putBucketQuota(bucketId: number, quotaBytes: number | undefined) {
    await this.#writer.submit({ name: "putBucketQuota", input: { bucketId, quotaBytes } });
  }

  async listConfigured(name: string, after: number, limit: number) {
    return this.#reader.listConfigured(name, after, limit);
  }

  async listQuotas(limit: number) {
    return this.#reader.listQuotas(limit);
  }

  async findObject(bucketId: number, key: string) {
    return this.#reader.findObject(bucketId, key);
  }

  async findObjectWithBytes(bucketId: number, key: string) {
    return this.#reader.findObjectWithBytes(bucketId, key);
  }

  async listObjects(query: ListObjectsQuery) {
    return this.#reader.listObjects(query);
  }

  async readInline(dataId: number) {
    return this.#reader.readInline(dataId);
  }

  async putObject(input: PutObjectInput): Promise<ObjectRecord> {
    const stored = await this.#writer.submit({ name: "putObject", input });
    const { versionId, sequence, lock, content } = stored;
    const { key, sizeBytes, etag, modifiedAt, ownerId, storageClass } = input;
    const { checksum, attributes, tags, acl, encryption } = input;
    // Written out: spreading costs many times as much.
    return {
      key,
      versionId,
      sequence,
      sizeBytes,
      etag,
      modifiedAt,
      ownerId,
      storageClass,
      checksum,
      attributes,
      tags,
      acl,
      encryption,
      lock,
      content,
    };
  }

  async findVersion(name: VersionName) {
    return this.#reader.findVersion(name);
  }

  async listVersions(query: ListVersionsQuery) {
    return this.#reader.listVersions(query);
  }

  async deleteObjects(
    bucketId: number,
    requests: readonly DeleteRequest[],
    marker: { readonly ownerId: AccountId; readonly now: number },
  ) {
    const input = { bucketId, requests, marker };
    return this.#writer.submit({ name: "deleteObjects", input });
  }

  async putObjectTags(name: SeenVersion, tags: readonly Tag[]) {
    await this.#writer.submit({ name: "putObjectTags", input: { name, tags } });
  }

  async putObjectAcl(name: SeenVersion, acl: string | undefined) {
    await this.#writer.submit({ name: "putObjectAcl", input: { name, acl } });
  }

  async putRetention(
    name: VersionName,
    retention: Retention | undefined,
    permission: RetentionPermission,
  ) {
    const input = { name, retention, permission };
    await this.#writer.submit({ name: "putRetention", input });
  }

  async putLegalHold(name: VersionName, isOn: boolean) {
    await this.#writer.submit({ name: "putLegalHold", input: { name, isOn } });
  }

  async listDue(query: DueQuery) {
    return this.#reader.listDue(query);
  }

  async findProgress(job: string) {
    return this.#reader.findProgress(job);
  }

  async putProgress(job: string, text: string | undefined) {
    await this.#writer.submit({ name: "putProgress", input: { job, text } });
  }

  async findUpload(bucketId: number, key: string, uploadId: UploadId) {
    return this.#reader.findUpload(bucketId, key, uploadId);
  }

  async listUploads(query: ListUploadsQuery) {
    return this.#reader.listUploads(query);
  }

  async createUpload(input: CreateUploadInput): Promise<UploadRecord> {
    const manifestId = await this.#writer.submit({ name: "createUpload", input });
    const { bucketId: _bucketId, ...said } = input;
    return { ...said, manifestId, completed: undefined };
  }

  async putPart(input: PutPartInput): Promise<PartRecord> {
    const stored = await this.#writer.submit({ name: "putPart", input });
    const { number, sizeBytes, etag, uploadedAt, checksums, encryption } = input;
    const said = { number, sizeBytes, etag, uploadedAt, checksums, encryption };
    return { ...said, ...stored, startOffset: undefined };
  }

  async listParts(manifestId: number, after: number, limit: number): Promise<PartPage> {
    return this.#reader.listParts(manifestId, after, limit);
  }

  async findPartAt(manifestId: number, offset: number) {
    return this.#reader.findPartAt(manifestId, offset);
  }

  async findPart(manifestId: number, number: number) {
    return this.#reader.findPart(manifestId, number);
  }

  async completeUpload(input: CompleteUploadInput) {
    return this.#writer.submit({ name: "completeUpload", input });
  }

  async abortUpload(bucketId: number, key: string, uploadId: UploadId) {
    await this.#writer.submit({ name: "abortUpload", input: { bucketId, key, uploadId } });
  }

  async noteMissing(setId: SetId, indexes: readonly number[]) {
    await this.#writer.submit({ name: "noteMissing", input: { setId, indexes } });
  }

  async noteFound(setId: SetId, shards: FoundShards) {
    await this.#writer.submit({ name: "noteFound", input: { setId, ...shards } });
  }

  async listTrash(limit: number, after?: SetId) {
    return this.#reader.listTrash(limit, after);
  }

  async dropTrash(setIds: readonly SetId[]) {
    await this.#writer.submit({ name: "dropTrash", input: { setIds } });
  }

  async findNamedSets(setIds: readonly SetId[]) {
    return this.#reader.findNamedSets(setIds);
  }

  async listSets(after: SetId | undefined, limit: number) {
    return this.#reader.listSets(after, limit);
  }

  async listDegradedSets(after: SetId | undefined, limit: number) {
    return this.#reader.listDegradedSets(after, limit);
  }

  async sealPack(setId: SetId, fileBytes: number) {
    return this.#writer.submit({ name: "sealPack", input: { setId, fileBytes } });
  }

  async listSparsePacks(deadShareMin: number, after: SetId | undefined, limit: number) {
    return this.#reader.listSparsePacks(deadShareMin, after, limit);
  }

  async findPacked(bucketId: number, key: string, from: MovePackedInput["from"]) {
    return this.#reader.findPacked(bucketId, key, from);
  }

  async movePacked(input: MovePackedInput) {
    return this.#writer.submit({ name: "movePacked", input });
  }

  async replaceSet(input: ReplaceSetInput) {
    return this.#writer.submit({ name: "replaceSet", input });
  }

  async walk(query: WalkQuery) {
    return this.#reader.walk(query);
  }

  async totals() {
    return this.#reader.totals();
  }

  journalReport() {
    return this.#parts.journalReport?.();
  }

  async compareWithMembers(signal?: AbortSignal) {
    return this.#parts.compareWithMembers?.(signal);
  }

  async restoreFromMembers() {
    await this.#parts.restoreFromMembers?.();
  }

  async reset() {
    await this.#writer.submit({ name: "reset", input: undefined });
  }

  async close() {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    try {
      this.#parts.closeReader();
    } finally {
      // A writer that did not end may still write: then others are kept out for as long as this process lives.
      await this.#writer.close();
      this.#parts.release();
    }
  }
}
