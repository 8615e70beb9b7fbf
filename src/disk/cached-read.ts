// Reads that do not wait: preadv2 with RWF_NOWAIT (Linux 4.14) copies what the page cache has, and says so where it would
// have to go to the device. Node has no such call, so the C library is called by koffi; where either is missing,
// nothing is read this way, and everything works as before.
// https://man7.org/linux/man-pages/man2/preadv2.2.html

import { constants } from "node:os";
import type koffiLibrary from "koffi";

/**
 * The bytes read, from 0 at the end of the file to all of `target`; "absent" when the page cache does not have the first of them;
 * "unsupported" when this file system has no such reads.
 */
export type CachedRead = (
  descriptor: number,
  target: Uint8Array,
  offset: number,
) => number | "absent" | "unsupported";

const RWF_NOWAIT = 8;
const { EINVAL, ENOSYS, EOPNOTSUPP } = constants.errno;
const UNSUPPORTED: ReadonlySet<number> = new Set([EINVAL, ENOSYS, EOPNOTSUPP]);
/** Where `off_t` has 64 bits, as the declaration below says. */
const ARCHITECTURES: ReadonlySet<string> = new Set(["arm64", "x64"]);

/** Loading the library takes some 25 ms, as much as so many calls of the pool: who starts, or reads little, does without. */
const CALLS_BEFORE_LOADING = 1_000;

let callCount = 0;
let cachedRead: CachedRead | undefined;

/** As CachedRead; "absent" also while the library is not loaded: it is after a number of calls. */
export function readCached(
  descriptor: number,
  target: Uint8Array,
  offset: number,
): ReturnType<CachedRead> {
  if (cachedRead !== undefined) return cachedRead(descriptor, target, offset);
  callCount += 1;
  if (callCount === CALLS_BEFORE_LOADING) void loadCachedRead();
  return "absent";
}

/** For this thread. Where the system or the library has no such call, none is used. */
export async function loadCachedRead(): Promise<void> {
  if (process.platform !== "linux" || !ARCHITECTURES.has(process.arch)) return;
  try {
    const { default: koffi } = await import("koffi");
    cachedRead = viaLibrary(koffi);
  } catch {
    // Not installed for this system, or a C library without preadv2: the pool reads.
  }
}

function viaLibrary(koffi: typeof koffiLibrary): CachedRead {
  const preadv2 = koffi
    .load(null)
    .func("long preadv2(int descriptor, void *vectors, int count, int64 offset, int flags)");
  // One `struct iovec`: address and length. The call is over when it returns, so one serves all.
  const vector = new BigUint64Array(2);
  return (descriptor, target, offset) => {
    vector[0] = koffi.address(target);
    vector[1] = BigInt(target.length);
    const count: number = preadv2(descriptor, vector, 1, offset, RWF_NOWAIT);
    if (count >= 0) return count;
    return UNSUPPORTED.has(koffi.errno()) ? "unsupported" : "absent";
  };
}
