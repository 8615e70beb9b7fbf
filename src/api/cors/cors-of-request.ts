// The CORS headers of an answer to a request that a page of another origin has made. They stand on every answer,
// errors among them: a browser would hide from its page even why it was refused. So they are found before anything else
// is known of the request, with the bucket alone.

import type { WireRequest } from "../../core/wire-request.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { BucketSettings } from "../bucket-settings.ts";
import { CORS_DOCUMENT } from "./cors-document.ts";
import { CORS_VARY, corsHeaders, findCorsRule, readCorsQuestion } from "./match-cors.ts";

export interface CorsSources {
  readonly store: Pick<ObjectStore, "findBucket">;
  readonly settings: BucketSettings;
}

/** None where the request names no origin, and where the bucket has no CORS rules or does not exist. */
export async function corsOfRequest(
  { store, settings }: CorsSources,
  request: WireRequest,
  bucketName: string,
): Promise<Readonly<Record<string, string>>> {
  const question = readCorsQuestion(request.method, request.headers);
  if (question === undefined || bucketName === "") return {};
  const bucket = await store.findBucket(bucketName);
  const rules = bucket === undefined ? undefined : await settings.find(bucket, CORS_DOCUMENT);
  if (rules === undefined) return {};
  const match = findCorsRule(rules, question);
  const vary = { vary: CORS_VARY };
  return match === undefined ? vary : { ...vary, ...corsHeaders(match, question) };
}
