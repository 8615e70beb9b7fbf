// What a drive's error means to those who know only shards.

import { DiskError, type DiskErrorCode } from "../disk/disk.ts";
import { ShardError, type ShardErrorCode } from "./shard-store.ts";

const CODES: Readonly<Record<DiskErrorCode, ShardErrorCode>> = {
  EEXIST: "Exists",
  EIO: "Unavailable",
  ENOENT: "NotFound",
  ENOSPC: "Full",
  EROFS: "Unavailable",
  OTHER: "Unavailable",
  TIMEOUT: "Unavailable",
};

/** A ShardError for an error of the disk, with the drive's name in front; other errors are bugs and stay themselves. */
export function shardErrorFrom(error: unknown, label: string): unknown {
  if (!(error instanceof DiskError)) return error;
  return new ShardError(CODES[error.code], `${label}: ${error.message}`, { cause: error });
}
