// Whether a folder is the root of a mounted file system. A drive that was one and is none any more has lost its mount:
// what is written there would land on the disk below.

import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * The device of the folder above; undefined where there is none. Where it is another than before, a mount below which the
 * folder lay has gone or come.
 */
export async function deviceAbove(folder: string): Promise<number | undefined> {
  try {
    return (await stat(dirname(resolve(folder)))).dev;
  } catch {
    return undefined;
  }
}

/** False for a folder that does not exist. */
export async function isMountPoint(folder: string): Promise<boolean> {
  const path = resolve(folder);
  try {
    const [own, above] = await Promise.all([stat(path), stat(dirname(path))]);
    return own.dev !== above.dev || path === dirname(path);
  } catch {
    return false;
  }
}
