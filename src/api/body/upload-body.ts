// The body of an upload from the wire: unframed, bounded, hashed and compared with everything that the client said of it.

import type { PayloadPlan } from "../../auth/authenticate.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import type { UploadBody } from "../../store/upload-body.ts";

export interface UploadBodyOptions {
  readonly request: WireRequest;
  readonly payload: PayloadPlan;
  /** Nothing is read from it before `chunks` is iterated, so that 100-continue can wait for the headers' verdict. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Largest length after decoding, in bytes; PUT_BYTES_MAX where absent. */
  readonly sizeBytesMax?: number;
}

/**
 * @throws S3Error for what the headers alone show to be wrong: MissingContentLength, InvalidDigest, InvalidRequest,
 *   EntityTooLarge, IncompleteBody. What the bytes show comes out of `chunks`.
 */
export async function openUploadBody(options: UploadBodyOptions): Promise<UploadBody> {
  throw new S3Error("NotImplemented", { message: options.request.method });
}
