// The body of an upload as the object store takes it: decoded bytes whose checks belong to whoever made them.

import type { ObjectChecksum } from "../core/checksum.ts";

export interface UploadBody {
  /** Length after decoding, where the request said it. */
  readonly sizeBytes: number | undefined;
  /**
   * The bytes in order. Ends only after length, payload hash, chunk signatures, checksum and trailer have been
   * verified; otherwise rejects with the S3Error to answer. Each chunk is the consumer's until it asks for the next.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** From Content-MD5, in hex: compared with the MD5 that is computed for the ETag anyway. */
  readonly expectedMd5: string | undefined;
  /** The checksums that came with the bytes and were verified, or were computed; known once `chunks` has ended. */
  checksums(): readonly ObjectChecksum[];
}
