// What a signature gets that this server does not judge.

import { S3Error } from "../core/s3-error.ts";

export function unsupportedMechanism(): S3Error {
  return new S3Error("InvalidRequest", {
    message:
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  });
}
