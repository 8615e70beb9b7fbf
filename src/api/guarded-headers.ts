// Headers of GET and HEAD that take a permission of their own beside the one to read the object: who has it not gets the
// object without them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_ResponseSyntax

import type { ObjectRecord } from "../store/records.ts";
import { legalHoldHeaders, retentionHeaders } from "./object-lock.ts";
import type { OperationContext } from "./operation.ts";

/** `versionId` is the one that the request names. */
export async function guardedHeaders(
  { allows }: Pick<OperationContext, "allows">,
  { tags, lock }: Pick<ObjectRecord, "lock" | "tags">,
  versionId: string | undefined,
): Promise<Readonly<Record<string, string>>> {
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
