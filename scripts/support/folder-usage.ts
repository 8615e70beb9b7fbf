// What a folder takes of its disk: files, and the bytes of their blocks (as du counts), in all and by kind.

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const BLOCK_BYTES = 512;

export interface FolderUsage {
  readonly files: number;
  readonly bytes: number;
  /** By the folder they lie in, such as `shards`, of all drives together. */
  readonly bytesByKind: ReadonlyMap<string, number>;
}

/** Of a server's folder, which has its drives' folders in it. Files that go meanwhile are not counted. */
export function folderUsage(root: string): FolderUsage {
  const bytesByKind = new Map<string, number>();
  let [files, bytes] = [0, 0];
  const add = (path: string, kind: string): void => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    const size = stats.blocks * BLOCK_BYTES;
    bytes += size;
    bytesByKind.set(kind, (bytesByKind.get(kind) ?? 0) + size);
    if (stats.isDirectory()) {
      for (const name of readdirSync(path)) add(join(path, name), kind);
    } else files += 1;
  };
  for (const drive of readdirSync(root)) {
    for (const kind of readdirSync(join(root, drive))) add(join(root, drive, kind), kind);
  }
  return { files, bytes, bytesByKind };
}
