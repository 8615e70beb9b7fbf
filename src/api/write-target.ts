// What PutObject, CopyObject, CreateMultipartUpload and forms share: the object that is to be, as the request describes it.

import type { Tag } from "../core/tags.ts";
import type { NewObject } from "../store/object-store.ts";
import type { GivenLock } from "../store/records.ts";
import { newObjectAccess } from "./access/new-object-access.ts";
import type { NewObjectAccess } from "./access/new-object-access.ts";
import { readEncryption, resolveEncryption } from "./encryption-headers.ts";
import { readStorageClass } from "./headers.ts";
import { asksForContent } from "./conditions.ts";
import type { Headers } from "./headers.ts";
import { checkGivenLock, readLockHeaders } from "./object-lock.ts";
import type { OperationContext } from "./operation.ts";
import { refuseHeaders } from "./refused-headers.ts";
import { readTaggingHeader } from "./tags.ts";

export interface WriteInput {
  readonly storageClass: string;
  readonly tags: readonly Tag[];
  readonly lock: GivenLock;
  /** What the request asks for; undefined: as the bucket does. */
  readonly encryption: NewObject["encryption"];
}

/** @throws S3Error NotImplemented, InvalidRequest, InvalidStorageClass, InvalidTag, InvalidArgument, as `readEncryption` */
export function parseWrite(headers: Headers): WriteInput {
  refuseHeaders(headers, "write");
  return {
    storageClass: readStorageClass(headers),
    tags: readTaggingHeader(headers),
    lock: readLockHeaders(headers),
    encryption: readEncryption(headers),
  };
}

/**
 * Where the request's object goes and whose it is. What it is given beside its bytes needs permissions of its own.
 * @throws S3Error AccessDenied, and as `newObjectAccess`; InvalidRequest, InvalidArgument for a lock that cannot be
 */
export async function openWriteTarget(
  context: OperationContext,
  description: Omit<NewObject, keyof NewObjectAccess | "bucket" | "key">,
): Promise<NewObject> {
  const { bucket, key, clock } = context;
  const { storageClass, attributes, tags, lock, condition } = description;
  if (asksForContent(condition)) await context.require("s3:GetObject");
  if (tags.length > 0) await context.require("s3:PutObjectTagging", { isNew: true });
  if (lock.retention !== undefined) await context.require("s3:PutObjectRetention");
  if (lock.legalHold !== undefined) await context.require("s3:PutObjectLegalHold");
  checkGivenLock(bucket, lock, clock.now());
  const encryption = await resolveEncryption(context, description.encryption);
  const { ownerId, acl } = await newObjectAccess(context);
  return {
    bucket,
    key,
    ownerId,
    storageClass,
    attributes,
    tags,
    acl,
    lock,
    encryption,
    condition,
  };
}
