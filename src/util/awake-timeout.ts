// A timeout that counts the time in which this process ran. One that was stopped (by a debugger, a suspended machine, a
// starved container) would find all its deadlines passed when it goes on, and blame drives and nodes that had answered
// long ago; so a wait is made of slices, and one that ends much too late is begun again, a bounded number of times.

/** Shorter waits are not worth it. */
const SLICED_MS_MIN = 1_000;
const SLICES = 4;
const EXTRA_SLICES_MAX = 4;

export interface AwakeTimeout {
  cancel(): void;
}

/** Calls `onTimeout` once, after `timeoutMs` that were not slept through; never after `cancel`. */
export function awakeTimeout(timeoutMs: number, onTimeout: () => void): AwakeTimeout {
  if (timeoutMs < SLICED_MS_MIN) {
    const timer = setTimeout(onTimeout, timeoutMs);
    return { cancel: () => clearTimeout(timer) };
  }
  const sliceMs = timeoutMs / SLICES;
  let left = SLICES;
  let extra = EXTRA_SLICES_MAX;
  let startedAt = performance.now();
  const tick = (): void => {
    const now = performance.now();
    const wasAsleep = now - startedAt > 2 * sliceMs;
    if (wasAsleep && extra > 0) extra -= 1;
    else left -= 1;
    if (left === 0) {
      onTimeout();
      return;
    }
    startedAt = now;
    timer = setTimeout(tick, sliceMs);
  };
  let timer = setTimeout(tick, sliceMs);
  return { cancel: () => clearTimeout(timer) };
}
