// How many calls a drive may have in flight. All file calls of a process share libuv's thread pool, and a call on a
// hung drive keeps its thread: the bounds of as many drives as may hang at once must leave threads for the others.

/** libuv's own default. Set the variable before the process starts: later it has no effect. */
const POOL_THREADS_DEFAULT = 4;

export interface CallBoundInput {
  /** Drives that may hang while the others must go on: m. */
  readonly toleratedCount: number;
  /** Threads of libuv's pool; by default what UV_THREADPOOL_SIZE says. */
  readonly poolThreads?: number;
}

/** Calls that a drive's copy of the metadata may have in flight beside its shards': appends, and a snapshot. */
const MEMBER_CALLS_MAX = 4;

/**
 * Calls in flight for each drive's shards, such that `toleratedCount` hung drives leave a thread free. At least 1: then
 * the pool is too small for so many, and is to be made larger.
 */
export function callsInFlightMax(input: CallBoundInput): number {
  const { toleratedCount, poolThreads = poolThreadsOfProcess() } = input;
  if (toleratedCount === 0) return poolThreads;
  return Math.max(1, Math.floor((poolThreads - 1) / toleratedCount) - MEMBER_CALLS_MAX);
}

function poolThreadsOfProcess(): number {
  const threads = Number(process.env["UV_THREADPOOL_SIZE"]);
  return Number.isInteger(threads) && threads >= 1 ? threads : POOL_THREADS_DEFAULT;
}
