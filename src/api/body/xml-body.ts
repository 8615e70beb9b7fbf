// A small body read whole: what XML operations take. The same checks as for an upload, then strict UTF-8.

import type { PayloadPlan } from "../../auth/authenticate.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { WireRequest } from "../../core/wire-request.ts";

export interface XmlBodyOptions {
  readonly request: WireRequest;
  readonly payload: PayloadPlan;
  readonly source: AsyncIterable<Uint8Array>;
  /** XML_BODY_BYTES_MAX where absent. */
  readonly sizeBytesMax?: number;
  /** Whether Content-MD5 or an x-amz-checksum-* must come with the body (DeleteObjects and others). */
  readonly isDigestRequired?: boolean;
}

/**
 * @throws S3Error MaxMessageLengthExceeded, MalformedXML (not UTF-8), InvalidRequest (no digest), BadDigest and the other
 *   refusals of an upload.
 */
export async function readXmlBody(options: XmlBodyOptions): Promise<string> {
  throw new S3Error("NotImplemented", { message: options.request.method });
}
