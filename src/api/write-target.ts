// What PutObject, CopyObject and CreateMultipartUpload share: the object that is to be, as the request describes it.

import { S3Error } from "../core/s3-error.ts";
import type { Tag } from "../core/tags.ts";
import type { NewObject } from "../store/object-store.ts";
import type { ObjectRecord, WriteCondition } from "../store/records.ts";
import { readStorageClass } from "./headers.ts";
import type { Headers } from "./headers.ts";
import type { OperationContext } from "./operation.ts";
import { refuseHeaders } from "./refused-headers.ts";
import { readTaggingHeader } from "./tags.ts";

export interface WriteInput {
  readonly storageClass: string;
  readonly tags: readonly Tag[];
}

/** @throws S3Error NotImplemented, InvalidRequest, InvalidStorageClass, InvalidTag, InvalidArgument */
export function parseWrite(headers: Headers): WriteInput {
  refuseHeaders(headers, "write");
  return { storageClass: readStorageClass(headers), tags: readTaggingHeader(headers) };
}

/** Where the request's object goes and whose it is. */
export function writeTarget(
  context: OperationContext,
  description: Omit<NewObject, "bucket" | "key" | "ownerId">,
): NewObject {
  const { account, bucket, key } = context;
  return { bucket, key, ownerId: account.id, ...description };
}

/**
 * Tries a conditional write's conditions before its body is asked for: what would fail is not sent. The verdict that
 * counts is given in the write's own transaction.
 * @throws S3Error NoSuchKey, PreconditionFailed
 */
export async function tryWriteCondition(
  { store, bucket, key }: OperationContext,
  condition: WriteCondition | undefined,
): Promise<void> {
  if (condition === undefined) return;
  const object = await store.findObject(bucket, key);
  if (condition.ifMatch !== undefined) checkMatch(object, condition.ifMatch, key);
  const { ifNoneMatch } = condition;
  if (object !== undefined && (ifNoneMatch === "*" || ifNoneMatch === object.etag)) {
    throw failed("If-None-Match");
  }
}

function checkMatch(object: ObjectRecord | undefined, etag: string, key: string): void {
  if (object === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
  if (etag !== "*" && etag !== object.etag) throw failed("If-Match");
}

function failed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { detail: { Condition: condition } });
}
