// Reads of what the page cache has, on the calling thread. Node has no calls for that, so the C library is called by koffi;
// where either is missing, nothing is read this way, and everything works as before.
//
// preadv2 with RWF_NOWAIT alone is not enough: where bytes are absent it does not wait for them, but it begins to read them,
// and where a page is marked for it, those that come later; either may sleep in a drive's queue or in the tables of its
// file system. So cachestat (Linux 6.5) is asked first, which begins nothing: all of a read must be there, and as much after it
// as the kernel reads ahead.
// https://man7.org/linux/man-pages/man2/preadv2.2.html, https://docs.kernel.org/userspace-api/ (cachestat)

import { constants } from "node:os";
import type koffiLibrary from "koffi";
import type { TurnBudget } from "../util/turn-budget.ts";

/** What the system is asked: what is counted in pages is whole ones that overlap the range. */
export interface PageCache {
  readonly pageBytes: number;
  /** Pages of the range that are there; undefined where the file system, or the system, does not tell. */
  count(descriptor: number, start: number, end: number): number | undefined;
  /** Bytes copied into `target`: 0 where none are there; undefined where the file system has no such reads. */
  copy(descriptor: number, target: Uint8Array, offset: number): number | undefined;
}

/** What a call on the calling thread takes, in bytes that could be copied meanwhile. */
export const CALL_BYTES = 16 * 1024;

/** So much faster than copying a file is looking whether it is in the page cache. */
const LOOK_FACTOR = 32;
const { errno } = constants;
const RWF_NOWAIT = 8;
const UNSUPPORTED: ReadonlySet<number> = new Set([errno.EINVAL, errno.EOPNOTSUPP]);
/** The number of cachestat on all architectures. */
const SYS_CACHESTAT = 451;
/** Where `off_t` and pointers have 64 bits, as the declarations below say. */
const ARCHITECTURES: ReadonlySet<string> = new Set(["arm64", "x64"]);
/** Loading the library takes some 25 ms, as much as so many calls of the pool: who starts, or reads little, does without. */
const CALLS_BEFORE_LOADING = 1_000;
/** So long it is believed that what would be read ahead is there, or that something is absent. */
const BELIEVED_MS = 250;
/** A look costs up to 20 ns a page: a file of so many bytes is looked at as a whole. */
const WHOLE_BYTES_MAX = 24 * 1024 ** 2;
/** In a larger one each read elsewhere in it looks at so many at most; more would cost more than a thread. */
const WINDOW_BYTES_MAX = 4 * 1024 ** 2;

let callCount = 0;
let pageCache: PageCache | undefined;

/** Undefined until enough was read for it to be worth its loading. */
function knownPageCache(): PageCache | undefined {
  if (pageCache !== undefined) return pageCache;
  callCount += 1;
  if (callCount === CALLS_BEFORE_LOADING) void usePageCache();
  return undefined;
}

/** For this thread, from now on, where the system and the library can. */
export async function usePageCache(): Promise<void> {
  pageCache ??= await loadPageCache(async () => (await import("koffi")).default);
}

/** Undefined where it cannot be had. */
export async function loadPageCache(
  library: () => Promise<typeof koffiLibrary>,
): Promise<PageCache | undefined> {
  if (process.platform !== "linux" || !ARCHITECTURES.has(process.arch)) return undefined;
  try {
    return pageCacheOf(await library());
  } catch {
    // Not installed for this system, or a C library without one of the calls.
    return undefined;
  }
}

function pageCacheOf(koffi: typeof koffiLibrary): PageCache {
  const library = koffi.load(null);
  const preadv2 = library.func("long preadv2(int, void *vectors, int count, int64 offset, int)");
  const cachestat = library.func("long syscall(long, long, void *range, void *counts, long)");
  const pageBytes: number = library.func("int getpagesize()")();
  // `struct iovec`, `cachestat_range` (start, length) and `cachestat` (pages there, and four more). A call is over when it
  // returns, so one of each serves all.
  const vector = new BigUint64Array(2);
  const range = new BigUint64Array(2);
  const counts = new BigUint64Array(5);
  return {
    pageBytes,
    count(descriptor, start, end) {
      range[0] = BigInt(start);
      range[1] = BigInt(end - start);
      if (cachestat(SYS_CACHESTAT, descriptor, range, counts, 0) !== 0) return undefined;
      return Number(counts[0]);
    },
    copy(descriptor, target, offset) {
      vector[0] = koffi.address(target);
      vector[1] = BigInt(target.length);
      const count: number = preadv2(descriptor, vector, 1, offset, RWF_NOWAIT);
      if (count >= 0) return count;
      return UNSUPPORTED.has(koffi.errno()) ? undefined : 0;
    },
  };
}

/** An open file, as far as it can be read without waiting. */
export class CachedFile {
  readonly #sizeBytes: number;
  readonly #aheadBytes: number;
  readonly #budget: TurnBudget;
  #isRefused: boolean;
  // What was found, until when it is believed: an empty range where something was absent.
  #start = 0;
  #end = 0;
  #believedUntil = 0;

  /**
   * @param sizeBytes When it was opened: what was appended since is not read this way.
   * @param aheadBytes How far behind a read the kernel may begin to read: see `readAheadBytes`.
   * @param budget The thread's share of a turn, in bytes that could be copied.
   */
  constructor(sizeBytes: number, aheadBytes: number, budget: TurnBudget) {
    this.#sizeBytes = sizeBytes;
    this.#aheadBytes = aheadBytes;
    this.#budget = budget;
    this.#isRefused = sizeBytes > WHOLE_BYTES_MAX && 2 * aheadBytes > WINDOW_BYTES_MAX;
  }

  /** Fills `target`, at least its beginning. The bytes read; undefined where that might wait, or the turn has had its share. */
  read(descriptor: number, target: Uint8Array, offset: number): number | undefined {
    const end = offset + target.length;
    if (end > this.#sizeBytes || target.length === 0 || this.#isRefused) return undefined;
    const cache = knownPageCache();
    if (cache === undefined || !this.#budget.take(CALL_BYTES + target.length)) return undefined;
    if (!this.#isThere(cache, descriptor, { start: offset, end })) return undefined;
    const count = cache.copy(descriptor, target, offset);
    if (count === undefined) this.#isRefused = true;
    return count === 0 ? undefined : count;
  }

  #isThere(cache: PageCache, descriptor: number, range: Range): boolean {
    const aheadEnd = Math.min(range.end + this.#aheadBytes, this.#sizeBytes);
    const now = performance.now();
    if (now < this.#believedUntil) {
      // Something is absent; or, where this is in what was found, its own pages alone are looked for again.
      if (this.#start === this.#end) return false;
      if (this.#start <= range.start && aheadEnd <= this.#end) {
        return this.#hasAll(cache, descriptor, range);
      }
    }
    const found = this.#rangeToLookAt(range);
    const isThere = this.#hasAll(cache, descriptor, found);
    this.#start = isThere ? found.start : 0;
    this.#end = isThere ? found.end : 0;
    this.#believedUntil = now + BELIEVED_MS;
    return isThere;
  }

  /** Further than this read needs, so that the next ones need not look. */
  #rangeToLookAt(range: Range): Range {
    if (this.#sizeBytes <= WHOLE_BYTES_MAX) return { start: 0, end: this.#sizeBytes };
    const end = Math.min(range.end + 2 * this.#aheadBytes, this.#sizeBytes);
    return { start: range.start, end };
  }

  #hasAll(cache: PageCache, descriptor: number, { start, end }: Range): boolean {
    const found = cache.count(descriptor, start, end);
    this.#budget.take((end - start) / LOOK_FACTOR);
    if (found === undefined) this.#isRefused = true;
    const { pageBytes } = cache;
    const wanted = Math.ceil(end / pageBytes) - Math.floor(start / pageBytes);
    return found !== undefined && found >= wanted;
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}
