// What a V4 signature must cover: the host, and every x-amz-* header. An x-amz-* header that nobody signed could turn
// a URL for one upload into a copy of somebody else's object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { S3Error, type S3ErrorCode } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";

/**
 * The names in `host;x-amz-date`. Each may stand there once: a long value that is signed a thousand times over would
 * make a canonical request of any size.
 * @throws S3Error `code`
 */
export function parseSignedHeaders(text: string, code: S3ErrorCode): readonly string[] {
  const names = text.split(";");
  if (names.length === 1 || new Set(names).size === names.length) return names;
  throw new S3Error(code, {
    message: "A header is named more than once among the signed headers.",
  });
}

/**
 * `exempt` are x-amz-* headers that may stay unsigned.
 * @throws S3Error AccessDenied
 */
export function checkSignedHeaders(
  request: WireRequest,
  signedHeaders: readonly string[],
  exempt: readonly string[],
): void {
  let signed: ReadonlySet<string> | undefined;
  const unsigned: string[] = [];
  for (const name of request.headers.keys()) {
    if (!name.startsWith("x-amz-")) continue;
    signed ??= new Set([...signedHeaders, ...exempt]);
    if (!signed.has(name)) unsigned.push(name);
  }
  if (!signedHeaders.includes("host")) unsigned.unshift("host");
  if (unsigned.length === 0) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    detail: { HeadersNotSigned: unsigned.join(", ") },
  });
}
