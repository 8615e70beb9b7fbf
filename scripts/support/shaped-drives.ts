// Holds the drives of a server that is yet to be started to a rate, by a preloaded library (shaped-drives.c): the server knows
// nothing of it. Needs Linux, and a C compiler.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface ShapedDrives {
  readonly folders: readonly string[];
  /** Reads, and writes, of each folder. */
  readonly bytesPerSecond: number;
  /** Holds the library and its state; not below one of the folders. */
  readonly scratch: string;
}

/** @returns the environment of the server. */
export async function shapeDrives(drives: ShapedDrives): Promise<Readonly<Record<string, string>>> {
  const library = join(drives.scratch, "shaped-drives.so");
  const source = fileURLToPath(new URL("shaped-drives.c", import.meta.url));
  await promisify(execFile)("cc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
  return {
    LD_PRELOAD: library,
    SHAPED_FOLDERS: drives.folders.join(":"),
    SHAPED_BYTES_PER_S: String(drives.bytesPerSecond),
    SHAPED_STATE: join(drives.scratch, "shaped-drives.state"),
    // File calls by io_uring pass every library by.
    UV_USE_IO_URING: "0",
  };
}
