// What stands in a folder, file by file: for tests that nothing in it was changed, or that what was there still is.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Whoever looks at a folder holds a lock in it meanwhile. */
const LOCK = /(^|\/)lock(-\d+)?\.db$/;

/** The digest of every file below a folder but locks, by its path from there; empty folders have one of nothing. */
export async function treeOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const tree = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (LOCK.test(name)) continue;
    if (entry.isDirectory()) tree.set(`${name}/`, "");
    else tree.set(name, await digestOf(path));
  }
  return tree;
}

export async function digestOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** The part of a tree whose paths match. */
export function only(tree: ReadonlyMap<string, string>, pattern: RegExp) {
  return new Map([...tree].filter(([path]) => pattern.test(path)));
}
