// Whether a folder is this user's alone. What lies in a folder for temporary files may be removed by whoever cleans it,
// and made again by anybody: nothing is said through a socket below one that is not ours.

import { lstatSync } from "node:fs";

const OTHERS_BITS = 0o077;

/** @throws Error where there is none, or others own it or may write to it. */
export function requireOwnFolder(path: string): void {
  const found = lstatSync(path);
  const uid = process.getuid?.();
  const isOwn = uid === undefined || (found.uid === uid && (found.mode & OTHERS_BITS) === 0);
  if (!found.isDirectory() || !isOwn) throw new Error(`${path} is not this user's alone`);
}
