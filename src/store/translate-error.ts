// The errors of drives, as a client may see them: translated here once, with their cause. Anything else goes on as it
// is, and becomes InternalError where answers are rendered.

import { S3Error, type S3ErrorCode } from "../core/s3-error.ts";
import { ShardError, type ShardErrorCode } from "../datanode/shard-store.ts";

const CODES: Readonly<Record<ShardErrorCode, S3ErrorCode>> = {
  Corrupt: "InternalError",
  Denied: "ServiceUnavailable",
  Exists: "InternalError",
  Fenced: "ServiceUnavailable",
  Full: "InsufficientStorage",
  NotFound: "InternalError",
  Unavailable: "ServiceUnavailable",
};

export function translateError(error: unknown): unknown {
  return error instanceof ShardError ? new S3Error(CODES[error.code], { cause: error }) : error;
}
