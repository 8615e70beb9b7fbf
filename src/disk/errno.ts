// From what the kernel says to what callers tell apart.

import { DiskError, type DiskErrorCode } from "./disk.ts";

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  EDQUOT: "ENOSPC",
  EEXIST: "EEXIST",
  EIO: "EIO",
  ENOENT: "ENOENT",
  ENOSPC: "ENOSPC",
  // The device behind the folder is gone, or its file system has found itself damaged.
  ENODEV: "EIO",
  ENXIO: "EIO",
  ESTALE: "EIO",
  EUCLEAN: "EIO",
  EROFS: "EROFS",
};

/** A DiskError for an error of node:fs; `what` names the call and the path. */
export function diskErrorFrom(error: NodeJS.ErrnoException, what: string): DiskError {
  const code = CODES[error.code ?? ""] ?? "OTHER";
  return new DiskError(code, `${what}: ${error.code ?? error.message}`, { cause: error });
}
