// The page cache of the folder for temporary files, as far as this system lets itself be asked.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPageCache, type PageCache } from "../../src/disk/cached-read.ts";
import { readAheadBytes } from "../../src/disk/read-ahead.ts";
import { isInMemory } from "./in-memory.ts";

const POSIX_FADV_DONTNEED = 4;

const library = async () => (await import("koffi")).default;
const cache: PageCache | undefined = await loadPageCache(library);

/** Whether files there can be read out of the page cache: not on overlays, nor on what is no Linux. */
export async function hasCachedReads(): Promise<boolean> {
  if (cache === undefined || isInMemory(tmpdir())) return false;
  const folder = fs.mkdtempSync(join(tmpdir(), "kintsugi-probe-"));
  const descriptor = fs.openSync(join(folder, "a"), "w+");
  try {
    fs.writeSync(descriptor, "x");
    if (cache.count(descriptor, 0, 1) !== 1 || cache.copy(descriptor, Buffer.alloc(1), 0) !== 1) {
      return false;
    }
    return (await readAheadBytes(fs.fstatSync(descriptor).dev)) !== undefined;
  } finally {
    fs.closeSync(descriptor);
    fs.rmSync(folder, { recursive: true });
  }
}

/** Whole pages of what is on the device already. */
export function dropFromCache(descriptor: number, start: number, length: number): void {
  fs.fsyncSync(descriptor);
  advise(descriptor, start, length, POSIX_FADV_DONTNEED);
}

/** How many pages of the file are in the cache. */
export function pagesThere(descriptor: number, sizeBytes: number): number {
  return cache?.count(descriptor, 0, sizeBytes) ?? 0;
}

const koffi = cache === undefined ? undefined : await library();
const advise: (...values: number[]) => void =
  koffi?.load(null).func("int posix_fadvise(int, int64, int64, int)") ?? (() => undefined);
