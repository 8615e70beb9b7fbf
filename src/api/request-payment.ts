// Buckets whose requests are paid by who makes them: anybody but the owner has to say that he knows, else he is refused,
// and nobody in particular is refused always. Nothing is billed.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html

import { type Account, isAnonymous } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { BucketSettings, DocumentKind } from "./bucket-settings.ts";
import type { Headers } from "./headers.ts";
import { getElementText, parseXml, refuseOthers } from "./xml/parse.ts";

export type Payer = "BucketOwner" | "Requester";

/** A bucket without it is paid for by its owner. */
export const PAYER_DOCUMENT: DocumentKind<Payer> = {
  name: "requestPayment",
  parse: () => "Requester",
};

/** What an answer says for which somebody else than the owner pays. */
export const CHARGED_HEADERS = { "x-amz-request-charged": "requester" } as const;

/** @throws S3Error MalformedXML */
export function parsePayer(xml: string): Payer {
  const root = parseXml(xml, "RequestPaymentConfiguration");
  refuseOthers(root, ["Payer"]);
  const payer = getElementText(root, "Payer");
  if (payer === "BucketOwner" || payer === "Requester") return payer;
  throw new S3Error("MalformedXML");
}

export interface PayingRequest {
  readonly account: Account;
  /** With its hoisted ones: a presigned URL has `x-amz-request-payer` in its query. */
  readonly headers: Headers;
}

/** Whether the request's account pays for what it does in the bucket; "refused": it would have to say so. */
export async function paymentOf(
  bucket: BucketView,
  { account, headers }: PayingRequest,
  settings: BucketSettings,
): Promise<"free" | "paid" | "refused"> {
  if (account.id === bucket.ownerId) return "free";
  if ((await settings.find(bucket, PAYER_DOCUMENT)) === undefined) return "free";
  const isTold = headers.get("x-amz-request-payer")?.toLowerCase() === "requester";
  return isTold && !isAnonymous(account) ? "paid" : "refused";
}
