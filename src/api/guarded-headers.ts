// Headers of GET and HEAD that take a permission of their own beside the one to read the object: who has it not gets the
// object without them. And, beside them, what the bucket's lifecycle foresees for the object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_ResponseSyntax

import type { ObjectRecord } from "../store/records.ts";
import { legalHoldHeaders, retentionHeaders } from "./object-lock.ts";
import { expirationHeaders } from "./lifecycle/foreseen-headers.ts";
import { LIFECYCLE_DOCUMENT } from "./lifecycle/lifecycle-document.ts";
import type { OperationContext } from "./operation.ts";

type Headers = Readonly<Record<string, string>>;
type Asking = Pick<OperationContext, "allows" | "bucket" | "settings">;

const NONE: Headers = {};

/** `versionId` is the one that the request names. At once where there is nothing to be asked, as there mostly is not. */
export function guardedHeaders(
  context: Asking,
  object: ObjectRecord,
  versionId: string | undefined,
): Headers | Promise<Headers> {
  const { tags, lock } = object;
  const isPlain = tags.length === 0 && lock.retention === undefined && lock.legalHold === undefined;
  const { settings, bucket } = context;
  if (isPlain && settings.isKnownAbsent(bucket, LIFECYCLE_DOCUMENT)) return NONE;
  return askedHeaders(context, object, versionId);
}

async function askedHeaders(
  context: Asking,
  object: ObjectRecord,
  versionId: string | undefined,
): Promise<Headers> {
  return {
    ...(await permittedHeaders(context, object, versionId)),
    ...(await expirationHeaders(context, object, versionId)),
  };
}

async function permittedHeaders(
  { allows }: Pick<OperationContext, "allows">,
  { tags, lock }: Pick<ObjectRecord, "lock" | "tags">,
  versionId: string | undefined,
): Promise<Headers> {
  const headers: Record<string, string> = {};
  if (tags.length > 0) {
    const isNamed = versionId !== undefined;
    const action = isNamed ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging";
    if (await allows(action)) headers["x-amz-tagging-count"] = String(tags.length);
  }
  if (lock.retention !== undefined && (await allows("s3:GetObjectRetention"))) {
    Object.assign(headers, retentionHeaders(lock.retention));
  }
  if (lock.legalHold !== undefined && (await allows("s3:GetObjectLegalHold"))) {
    Object.assign(headers, legalHoldHeaders(lock.legalHold));
  }
  return headers;
}
