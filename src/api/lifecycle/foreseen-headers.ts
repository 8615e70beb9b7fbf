// The headers that tell what the lifecycle of a bucket will do to an object, or to an upload in progress.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax

import { foreseeAbort, foreseeExpiration } from "../../lifecycle/due.ts";
import type { ObjectRecord, UploadRecord } from "../../store/records.ts";
import { renderHttpDate } from "../headers.ts";
import type { OperationContext } from "../operation.ts";
import { LIFECYCLE_DOCUMENT } from "./lifecycle-document.ts";

/** HTTP dates have years of four digits. */
const DATE_MAX = Date.UTC(10_000, 0) - 1;

type Asking = Pick<OperationContext, "bucket" | "settings">;

/** `versionId` is the one that the request names: of older versions nothing is foreseen. */
export async function expirationHeaders(
  { settings, bucket }: Asking,
  object: Pick<ObjectRecord, "key" | "modifiedAt" | "sizeBytes" | "tags">,
  versionId?: string,
): Promise<Readonly<Record<string, string>>> {
  if (versionId !== undefined) return {};
  const lifecycle = await settings.find(bucket, LIFECYCLE_DOCUMENT);
  const foreseen = lifecycle && foreseeExpiration(lifecycle.rules, object);
  if (foreseen === undefined || foreseen.at > DATE_MAX) return {};
  const { at, ruleId } = foreseen;
  const date = renderHttpDate(at);
  return { "x-amz-expiration": `expiry-date="${date}", rule-id="${encodeURIComponent(ruleId)}"` };
}

export async function abortHeaders(
  { settings, bucket }: Asking,
  upload: Pick<UploadRecord, "initiatedAt" | "key">,
): Promise<Readonly<Record<string, string>>> {
  const lifecycle = await settings.find(bucket, LIFECYCLE_DOCUMENT);
  const foreseen = lifecycle && foreseeAbort(lifecycle.rules, upload);
  if (foreseen === undefined || foreseen.at > DATE_MAX) return {};
  return {
    "x-amz-abort-date": renderHttpDate(foreseen.at),
    "x-amz-abort-rule-id": encodeURIComponent(foreseen.ruleId),
  };
}
