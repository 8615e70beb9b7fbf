// Inputs of metadata operations with everything filled in: a test names only what it is about.

import type { AccountId, Incarnation, SetId, UploadId } from "../../../src/core/ids.ts";
import type {
  CreateBucketInput,
  CreateUploadInput,
  DeleteOutcome,
  DeleteRequest,
  ListObjectsQuery,
  ListUploadsQuery,
  ListVersionsQuery,
  ListedVersion,
  MetadataStore,
  NewContent,
  PutObjectInput,
  PutPartInput,
} from "../../../src/metadata/metadata-store.ts";
import type { GivenLock, ShardSetRecord } from "../../../src/metadata/records.ts";

export type GivenStore = () => MetadataStore;

export const OWNER = "owner-1" as AccountId;
export const OTHER_OWNER = "owner-2" as AccountId;
/** The process that writes the sets of these tests. */
export const INCARNATION = "00000000000000aa" as Incarnation;

/** No access control list of its own, and not sealed. */
const PLAIN = { acl: undefined, encryption: undefined };
/** Nothing is asked for. */
const NO_LOCK: GivenLock = { retention: undefined, legalHold: undefined };

/** As a DELETE without a version id. */
export function deleteRequest(key: string, change: Partial<DeleteRequest> = {}): DeleteRequest {
  return { key, versionId: undefined, mayBypassGovernance: false, ...change };
}

/** When the deletes of these tests happen, and who owns the delete markers that they make. */
export const MARKER = { ownerId: OWNER, now: 5_000 };

export function deleteKeys(
  store: MetadataStore,
  bucketId: number,
  keys: readonly string[],
): Promise<readonly DeleteOutcome[]> {
  const requests = keys.map((key) => deleteRequest(key));
  return store.deleteObjects(bucketId, requests, MARKER);
}

export function bucketInput(
  name: string,
  change: Partial<CreateBucketInput> = {},
): CreateBucketInput {
  return { name, ownerId: OWNER, region: "us-east-1", createdAt: 1_000, hasLock: false, ...change };
}

export async function givenBucket(store: MetadataStore, name = "bucket"): Promise<number> {
  const { id } = await store.createBucket(bucketInput(name));
  return id;
}

/** A bucket with versioning, or one in which it is suspended. */
export async function givenVersioned(
  store: MetadataStore,
  versioning: "enabled" | "suspended" = "enabled",
): Promise<number> {
  const bucketId = await givenBucket(store);
  await store.setVersioning(bucketId, versioning);
  return bucketId;
}

/** Removes one version by its id. */
export async function deleteVersion(
  store: MetadataStore,
  bucketId: number,
  request: Partial<DeleteRequest> & { readonly key: string; readonly versionId: string },
): Promise<DeleteOutcome | undefined> {
  const requests = [deleteRequest(request.key, request)];
  const [outcome] = await store.deleteObjects(bucketId, requests, MARKER);
  return outcome;
}

export function versionsQuery(
  bucketId: number,
  change: Partial<ListVersionsQuery> = {},
): ListVersionsQuery {
  const markers = { keyMarker: undefined, versionIdMarker: undefined };
  return { bucketId, prefix: "", delimiter: "", ...markers, limit: 1_000, ...change };
}

/** What a page of versions shows, as short text: an asterisk for the latest, a dash for a delete marker, then the ETag. */
export async function listedVersions(
  store: MetadataStore,
  query: ListVersionsQuery,
): Promise<readonly string[]> {
  const { entries } = await store.listVersions(query);
  return entries.map(shownVersion);
}

export function shownVersion(entry: ListedVersion): string {
  if (entry.kind === "prefix") return `[${entry.prefix}]`;
  const latest = entry.isLatest ? "*" : "";
  return `${entry.object.key}${latest} ${entry.kind === "object" ? entry.object.etag : "-"}`;
}

export function inline(text: string): NewContent {
  return { kind: "inline", bytes: Buffer.from(text) };
}

/** What engines say of an id that must not be used twice: a fault, not a refusal. */
export const TAKEN = /exists|unique/i;

/** A set id that ends in the number. */
export function setId(number: number): SetId {
  return (INCARNATION + number.toString(16).padStart(16, "0")) as SetId;
}

export function shardSet(number: number, change: Partial<ShardSetRecord> = {}): ShardSetRecord {
  return {
    id: setId(number),
    dataShards: 4,
    parityShards: 2,
    unitBytes: 65_536,
    layoutVersion: 1,
    sizeBytes: 100_000,
    headerBytes: 4_096,
    missing: [],
    ...change,
  };
}

export function inSet(number: number, change: Partial<ShardSetRecord> = {}): NewContent {
  return { kind: "set", set: shardSet(number, change) };
}

/** At a place in the pack that has the id of that number. */
export function inPack(
  number: number,
  offset: number,
  change: Partial<ShardSetRecord> = {},
): NewContent {
  return { kind: "packed", set: shardSet(number, change), offset };
}

export function objectInput(
  bucketId: number,
  key: string,
  change: Partial<PutObjectInput> = {},
): PutObjectInput {
  return {
    bucketId,
    key,
    sizeBytes: 5,
    etag: "etag-1",
    modifiedAt: 2_000,
    ownerId: OWNER,
    storageClass: "STANDARD",
    checksum: undefined,
    attributes: { headers: {}, userMetadata: {} },
    tags: [],
    ...PLAIN,
    lock: NO_LOCK,
    content: inline("hello"),
    ...change,
  };
}

export function uploadInput(
  bucketId: number,
  key: string,
  change: { readonly id?: string } & Partial<CreateUploadInput> = {},
): CreateUploadInput {
  const { id = "upload-1", ...rest } = change;
  return {
    bucketId,
    key,
    uploadId: id as UploadId,
    initiatedAt: 3_000,
    initiatorId: OWNER,
    ownerId: OWNER,
    storageClass: "STANDARD",
    checksumAlgorithm: undefined,
    checksumType: undefined,
    attributes: { headers: {}, userMetadata: {} },
    tags: [],
    ...PLAIN,
    lock: NO_LOCK,
    ...rest,
  };
}

export function partInput(
  upload: Pick<CreateUploadInput, "bucketId" | "key" | "uploadId">,
  number: number,
  change: Partial<PutPartInput> = {},
): PutPartInput {
  const { bucketId, key, uploadId } = upload;
  return {
    bucketId,
    key,
    uploadId,
    number,
    sizeBytes: 10,
    etag: `part-${number}`,
    uploadedAt: 4_000,
    checksums: [],
    encryption: undefined,
    content: inline(`part ${number}`),
    ...change,
  };
}

export function objectsQuery(
  bucketId: number,
  change: Partial<ListObjectsQuery> = {},
): ListObjectsQuery {
  return { bucketId, prefix: "", delimiter: "", after: undefined, limit: 1_000, ...change };
}

export function uploadsQuery(
  bucketId: number,
  change: Partial<ListUploadsQuery> = {},
): ListUploadsQuery {
  const markers = { keyMarker: undefined, uploadIdMarker: undefined };
  return { bucketId, prefix: "", delimiter: "", ...markers, limit: 1_000, ...change };
}

/** What a page shows, as short text: keys as they are, common prefixes in brackets. */
export async function listed(
  store: MetadataStore,
  query: ListObjectsQuery,
): Promise<readonly string[]> {
  const page = await store.listObjects(query);
  return page.entries.map((entry) =>
    entry.kind === "object" ? entry.object.key : `[${entry.prefix}]`,
  );
}

export async function trashedIds(store: MetadataStore): Promise<readonly SetId[]> {
  const trash = await store.listTrash(1_000);
  return trash.map((record) => record.setId);
}
