// Content-MD5: base64 of sixteen bytes, nothing else.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html

import { S3Error } from "../../core/s3-error.ts";
import { decodeBase64 } from "./decode-base64.ts";

const MD5_BYTES = 16;

/**
 * The digest in hex; undefined without the header.
 * @throws S3Error InvalidDigest
 */
export function parseContentMd5(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const bytes = decodeBase64(header.trim());
  if (bytes?.length === MD5_BYTES) return bytes.toString("hex");
  throw new S3Error("InvalidDigest", {
    message: "The Content-MD5 you specified was invalid.",
    detail: { "Content-MD5": header },
  });
}
