// Signers of URLs move the x-amz-* headers of the request that they sign into its query, where the signature covers
// them; whoever uses the URL sends them no more. Amazon S3 reads them from there: metadata, tags, a copy's source.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { CHECKSUM_ALGORITHMS, checksumHeader } from "../core/checksum.ts";
import type { WireRequest } from "../core/wire-request.ts";
import { hasV2Query } from "./sigv2.ts";
import { hasV4Query } from "./sigv4-query.ts";

/** What belongs to the signature, or to the framing of a body that no signer of a URL has seen. */
const NOT_HOISTED: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-content-sha256",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-decoded-content-length",
  "x-amz-expires",
  // The AWS SDK for JavaScript signs the checksum of an empty body into every URL for an upload.
  ...CHECKSUM_ALGORITHMS.map(checksumHeader),
  "x-amz-sdk-checksum-algorithm",
  "x-amz-security-token",
  "x-amz-signature",
  "x-amz-signedheaders",
  "x-amz-trailer",
]);

/**
 * The request with its hoisted headers among the others. Only what `authenticate` accepts as sent may be treated so:
 * it is the signature that makes a parameter as good as a header. A header that was sent wins over a parameter.
 */
export function withHoistedHeaders(request: WireRequest): WireRequest {
  if (!hasV4Query(request) && !hasV2Query(request)) return request;
  let headers: Map<string, string> | undefined;
  for (const { name, value } of request.query) {
    const lower = name.toLowerCase();
    if (!lower.startsWith("x-amz-") || NOT_HOISTED.has(lower)) continue;
    if ((headers ?? request.headers).has(lower)) continue;
    headers ??= new Map(request.headers);
    // One byte a character, as headers come from the wire.
    headers.set(lower, Buffer.from(value).toString("latin1"));
  }
  return headers === undefined ? request : { ...request, headers };
}
