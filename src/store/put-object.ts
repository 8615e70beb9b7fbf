// PutObject: the bytes first, durable on the drives, then one metadata transaction that makes them the object.

import type { ObjectChecksum } from "../core/checksum.ts";
import type { NewContent } from "../metadata/metadata-store.ts";
import type { ObjectRecord } from "../metadata/records.ts";
import { checkQuota } from "../metadata/quota.ts";
import { checkCondition } from "../metadata/write-condition.ts";
import { renderAbout } from "./about-text.ts";
import { commitContent } from "./commit-content.ts";
import { makeDataKey, type DataKey } from "./encryption/data-key.ts";
import type { NewObject } from "./object-store.ts";
import { storeContent } from "./store-content.ts";
import type { StoreContext } from "./store-context.ts";
import type { UploadBody } from "./upload-body.ts";

/** @throws S3Error of the body, BadDigest, PreconditionFailed, NoSuchKey, NoSuchBucket, ServiceUnavailable, ... */
export async function putObject(
  context: StoreContext,
  target: NewObject,
  body: UploadBody,
): Promise<ObjectRecord> {
  await tryCondition(context, target);
  await tryQuota(context, target, body.sizeBytes);
  const { bucket, key, attributes } = target;
  const dataKey = await findDataKey(context, target);
  const about = (): string | undefined => aboutOf(target);
  const purpose = { bucket: bucket.name, key, attributes, dataKey, about };
  return context.writings.run(async () => {
    const stored = await storeContent(context, purpose, body);
    const { content, sizeBytes, etag, encryption, checksums } = stored;
    const checksum = checksums[0];
    return commitObject(context, target, { content, sizeBytes, etag, encryption, checksum });
  });
}

/** For making its row anew from the drives. */
function aboutOf({
  bucket,
  ownerId,
  storageClass,
  tags,
  acl,
  lock,
}: NewObject): string | undefined {
  const { ownerId: bucketOwnerId } = bucket;
  const isVersioned = bucket.versioning === "enabled";
  return renderAbout({ bucketOwnerId, ownerId, storageClass, tags, acl, lock, isVersioned });
}

/** A new one where the object, or upload, is to be encrypted. @throws S3Error InvalidRequest without a master key */
export async function findDataKey(
  { keys }: StoreContext,
  { bucket, key, encryption }: Pick<NewObject, "bucket" | "encryption" | "key">,
): Promise<DataKey | undefined> {
  return encryption && makeDataKey(keys, encryption, { bucket: bucket.name, key });
}

export interface ObjectBytes {
  readonly content: NewContent;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly encryption: string | undefined;
  readonly checksum: ObjectChecksum | undefined;
}

/** Makes bytes that are durable the object; removes them when that is refused. */
export async function commitObject(
  context: StoreContext,
  target: NewObject,
  bytes: ObjectBytes,
): Promise<ObjectRecord> {
  const { bucket, key, ownerId, storageClass, attributes, tags, acl, lock, condition } = target;
  const { content, sizeBytes, etag, encryption, checksum } = bytes;
  return commitContent(context, content, () =>
    context.metadata.putObject({
      content,
      sizeBytes,
      etag,
      encryption,
      checksum,
      bucketId: bucket.id,
      key,
      modifiedAt: context.clock.now(),
      ownerId,
      storageClass,
      attributes,
      tags,
      acl,
      lock,
      condition,
    }),
  );
}

/** Refuses before the body is read what the transaction would refuse anyway. @throws S3Error */
export async function tryCondition(
  context: StoreContext,
  target: Pick<NewObject, "bucket" | "condition" | "key">,
): Promise<void> {
  const { bucket, key, condition } = target;
  if (condition?.ifMatch === undefined && condition?.ifNoneMatch === undefined) return;
  const current = await context.metadata.findObject(bucket.id, key);
  checkCondition(key, current?.etag, condition);
}

/** As `tryCondition`, where what is replaced is known, and how much comes at least. @throws S3Error QuotaExceeded */
export async function tryQuota(
  { metadata }: StoreContext,
  { bucket, key }: Pick<NewObject, "bucket" | "key">,
  sizeBytes: number | undefined,
): Promise<void> {
  const { id, quotaBytes, objectBytes, versioning } = bucket;
  if (quotaBytes === undefined || sizeBytes === undefined) return;
  // Which version gives way there is for the transaction to see; what is more than the whole quota never fits.
  if (versioning === "suspended") return checkQuota(quotaBytes, 0, sizeBytes);
  const replaced = versioning === "off" ? await metadata.findObject(id, key) : undefined;
  checkQuota(quotaBytes, objectBytes, sizeBytes - (replaced?.sizeBytes ?? 0));
}
