// How a policy is refused: always by one code, with AWS's sentence where AWS has one.

import { S3Error } from "../core/s3-error.ts";

export function malformedPolicy(message: string): S3Error {
  return new S3Error("MalformedPolicy", { message });
}
