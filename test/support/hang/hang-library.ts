// Builds the preloaded library that makes a folder hang (hang-folder.c), and says how a process is started with it.

import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Tests and laboratory run in the repository; the latter in compiled form, elsewhere than its sources lie. */
const SOURCE = join(process.cwd(), "test/support/hang/hang-folder.c");

export interface Hang {
  /** For the process whose file calls are to hang. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on calls below the folder are not answered. */
  begin(): Promise<void>;
  end(): Promise<void>;
}

/**
 * @param scratch holds the library and the flag; not below a folder that is to hang.
 * @returns undefined where there is no C compiler.
 */
export async function prepareHang(
  scratch: string,
  ...folders: readonly string[]
): Promise<Hang | undefined> {
  const library = join(scratch, "hang-folder.so");
  const flag = join(scratch, "hang");
  try {
    await promisify(execFile)("cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]);
  } catch {
    return undefined;
  }
  return {
    env: {
      LD_PRELOAD: library,
      HANG_FOLDERS: folders.join(":"),
      HANG_FLAG: flag,
      // File calls by io_uring pass every library by.
      UV_USE_IO_URING: "0",
    },
    begin: () => writeFile(flag, ""),
    end: () => rm(flag, { force: true }),
  };
}
