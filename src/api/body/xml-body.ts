// A small body read whole: what XML operations take. The same checks as for an upload, then strict UTF-8.

import { createHash } from "node:crypto";
import type { PayloadPlan } from "../../auth/authenticate.ts";
import { XML_BODY_BYTES_MAX } from "../../core/limits.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import { loadChecksumHasher } from "../../util/checksum-hasher.ts";
import { BodyCheck } from "./body-check.ts";
import { readBodySize } from "./body-size.ts";
import { checkedChunks } from "./checked-chunks.ts";
import { parseContentMd5 } from "./content-md5.ts";
import { parseDeclaredChecksum } from "./declared-checksum.ts";

export interface XmlBodyOptions {
  readonly request: Pick<WireRequest, "headers">;
  readonly payload: PayloadPlan;
  readonly source: AsyncIterable<Uint8Array>;
  /** In bytes; XML_BODY_BYTES_MAX where absent. */
  readonly sizeBytesMax?: number;
  /** Whether Content-MD5 or an x-amz-checksum-* must come with the body (DeleteObjects and others). */
  readonly isDigestRequired?: boolean;
}

/**
 * @throws S3Error MaxMessageLengthExceeded, MalformedXML (not UTF-8), InvalidRequest (no digest), BadDigest and the other
 *   refusals of an upload.
 */
export async function readXmlBody(options: XmlBodyOptions): Promise<string> {
  const { request, payload, source, sizeBytesMax: max = XML_BODY_BYTES_MAX } = options;
  const { headers } = request;
  const rule = { max, tooLarge: "MaxMessageLengthExceeded" } as const;
  const expectedMd5 = parseContentMd5(headers.get("content-md5"));
  const declared = parseDeclaredChecksum(headers, payload);
  if (options.isDigestRequired === true && expectedMd5 === undefined && declared === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: Content-MD5",
    });
  }
  // A body that may be absent, as CreateBucket's, needs no Content-Length to say so.
  const isAbsent = !headers.has("content-length") && !headers.has("transfer-encoding");
  const sizeBytes = isAbsent ? 0 : readBodySize(headers, payload, rule);
  if (declared !== undefined) await loadChecksumHasher(declared.algorithm);
  const check = new BodyCheck({ payload, declared, wanted: undefined });
  const chunks: Uint8Array[] = [];
  for await (const chunk of checkedChunks({ source, payload, sizeBytes, rule }, check)) {
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (expectedMd5 !== undefined && md5(bytes) !== expectedMd5) {
    throw new S3Error("BadDigest", {
      message: "The Content-MD5 you specified did not match what we received.",
    });
  }
  return decodeUtf8(bytes);
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // A byte order mark is kept: the parser decides about it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new S3Error("MalformedXML", { cause });
  }
}
