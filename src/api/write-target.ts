// What PutObject, CopyObject and CreateMultipartUpload share: the object that is to be, as the request describes it.

import type { Tag } from "../core/tags.ts";
import type { NewObject } from "../store/object-store.ts";
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
