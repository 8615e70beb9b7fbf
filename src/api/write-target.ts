// What PutObject, CopyObject, CreateMultipartUpload and forms share: the object that is to be, as the request describes it.

import type { Tag } from "../core/tags.ts";
import type { NewObject } from "../store/object-store.ts";
import type { GivenLock } from "../store/records.ts";
import { readStorageClass } from "./headers.ts";
import type { Headers } from "./headers.ts";
import { checkGivenLock, readLockHeaders } from "./object-lock.ts";
import type { OperationContext } from "./operation.ts";
import { refuseHeaders } from "./refused-headers.ts";
import { readTaggingHeader } from "./tags.ts";

export interface WriteInput {
  readonly storageClass: string;
  readonly tags: readonly Tag[];
  readonly acl: string | undefined;
  readonly lock: GivenLock;
  readonly encryption: NewObject["encryption"];
}

/** @throws S3Error NotImplemented, InvalidRequest, InvalidStorageClass, InvalidTag, InvalidArgument */
export function parseWrite(headers: Headers): WriteInput {
  refuseHeaders(headers, "write");
  return {
    storageClass: readStorageClass(headers),
    tags: readTaggingHeader(headers),
    acl: undefined,
    lock: readLockHeaders(headers),
    encryption: undefined,
  };
}

/**
 * Where the request's object goes and whose it is. What it is given beside its bytes needs permissions of its own.
 * @throws S3Error AccessDenied; InvalidRequest, InvalidArgument for a lock that cannot be
 */
export async function openWriteTarget(
  context: OperationContext,
  description: Omit<NewObject, "bucket" | "key" | "ownerId">,
): Promise<NewObject> {
  const { account, bucket, key, clock } = context;
  const { tags, lock } = description;
  if (tags.length > 0) await context.require("s3:PutObjectTagging");
  if (lock.retention !== undefined) await context.require("s3:PutObjectRetention");
  if (lock.legalHold !== undefined) await context.require("s3:PutObjectLegalHold");
  checkGivenLock(bucket, lock, clock.now());
  return { bucket, key, ownerId: account.id, ...description };
}
