// What all disks agree on: the paths that they take are names of our own, joined by "/". One check for all implementations, so that nothing
// that reaches a file system can climb out of the drive's folder, whatever bug led there.

import { DiskError } from "./disk.ts";

/** Ends the temporary file of `writeFile`; what a crash leaves of it may be removed. */
export const TEMPORARY_SUFFIX = ".tmp";

/** `readFile` takes no more, in bytes: whatever lies there, memory stays bounded. */
export const SMALL_FILE_BYTES_MAX = 64 * 1024 * 1024;

/** @throws DiskError OTHER when `path` is not made of plain names; "" (the root) only where a folder is meant. */
export function checkFilePath(path: string): void {
  const plain = path.split("/").every(isPlainName);
  if (!plain) throw new DiskError("OTHER", `${JSON.stringify(path)} is no path within a drive`);
}

/** @throws DiskError OTHER when `path` is neither the root, "", nor made of plain names. */
export function checkFolderPath(path: string): void {
  if (path !== "") checkFilePath(path);
}

/** The folder that holds a file or folder; "" is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

function isPlainName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[\0\\]/.test(name);
}
