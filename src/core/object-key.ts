// An object's key: any UTF-8 text up to a length. It is decoded once, from the path as it was sent, and never
// normalised: `a//b`, `../x` and `%2F` name three different objects of the same bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html

import { KEY_BYTES_MAX } from "./limits.ts";
import { S3Error } from "./s3-error.ts";

/**
 * The text that a percent-encoded path stands for. Bytes that were sent bare (Latin-1 characters here) count as they are.
 * @throws S3Error InvalidURI for a broken escape, and for bytes that are not strict UTF-8.
 */
export function decodePath(raw: string): string {
  if (PLAIN.test(raw)) return raw;
  try {
    return decodeURIComponent(raw.replaceAll(NOT_ASCII, escapeByte));
  } catch (error) {
    throw new S3Error("InvalidURI", { detail: { URI: raw }, cause: error });
  }
}

/** @throws S3Error KeyTooLongError */
export function checkKey(key: string): void {
  const sizeBytes = Buffer.byteLength(key, "utf8");
  if (sizeBytes > KEY_BYTES_MAX) {
    throw new S3Error("KeyTooLongError", {
      detail: { Size: String(sizeBytes), MaxSizeAllowed: String(KEY_BYTES_MAX) },
    });
  }
}

const PLAIN = /^[\u0020-\u0024\u0026-\u007E]*$/;
const NOT_ASCII = /[\u0080-\u00FF]/g;

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16)}`;
}
