// What lies on the drives, or in the metadata, of the bytes that a row names: as they came, or sealed. All that keeps,
// checks and moves bytes (sets, packs, verification, compaction) goes by this, and needs no key for it.

import { hash, randomBytes } from "node:crypto";
import { parseEncryption, requireSealing } from "./encryption-text.ts";
import { sealedSize } from "./sealed-layout.ts";

/** Of sealed bytes: the first half of their SHA-256, as long as an MD5, so that it stands where that does. */
export const DIGEST_ALGORITHM = "sha256";
export const DIGEST_HEX_LENGTH = 32;

export interface StoredBytes {
  readonly sizeBytes: number;
  /** Of the stored bytes, in hex, without more. */
  readonly etag: string;
  /** What the ETag was computed with; undefined: it says nothing of the bytes. */
  readonly hash: "md5" | "sha256" | undefined;
}

const MD5_HEX_LENGTH = 32;
const OPAQUE_BYTES = 16;
/** As S3's of objects in parts, and so no client takes it for an MD5. */
const OPAQUE_END = "-1";

/** For bytes of which no MD5 is computed: the form of an ETag of one part, and never the same again. */
export function opaqueEtag(): string {
  return randomBytes(OPAQUE_BYTES).toString("hex") + OPAQUE_END;
}

export interface RowOfBytes {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly encryption: string | undefined;
}

/** Whether these are the stored bytes: small ones, which always have a digest. */
export function areStored(bytes: Uint8Array, stored: StoredBytes): boolean {
  // Of a longer hash than MD5 the first half is kept.
  if (bytes.length !== stored.sizeBytes || stored.hash === undefined) return false;
  return hash(stored.hash, bytes).startsWith(stored.etag);
}

/** @throws S3Error InternalError where the row's encryption cannot be read. */
export function storedBytesOf({ sizeBytes, etag, encryption }: RowOfBytes): StoredBytes {
  if (encryption === undefined) {
    return { sizeBytes, etag, hash: etag.length === MD5_HEX_LENGTH ? "md5" : undefined };
  }
  const { chunkBytes, digest } = requireSealing(parseEncryption(encryption));
  return { sizeBytes: sealedSize(sizeBytes, chunkBytes), etag: digest, hash: DIGEST_ALGORITHM };
}
