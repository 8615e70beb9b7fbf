// CPU and memory of a server's processes over a stretch of time.

import { setTimeout as sleep } from "node:timers/promises";
import { processStats } from "./process-stats.ts";

export interface Usage {
  /** User and system, of all of its processes. */
  readonly cpuSeconds: number;
  /** The peak of their common Pss. */
  readonly peakMiB: number;
}

/** Pss is costly to ask for: the kernel walks the page tables. */
const SAMPLE_MS = 500;

function statsOf(pids: readonly number[]) {
  let cpuSeconds = 0;
  let pssMiB = 0;
  for (const pid of pids) {
    const stats = processStats(pid);
    cpuSeconds += stats.cpuSeconds;
    pssMiB += stats.pssMiB;
  }
  return { cpuSeconds, pssMiB };
}

/** Runs a task; without process ids nothing is known of the server. */
export async function metered<T>(
  pids: readonly number[],
  task: () => Promise<T>,
): Promise<{ readonly outcome: T; readonly usage: Usage | undefined }> {
  if (pids.length === 0) return { outcome: await task(), usage: undefined };
  const before = statsOf(pids);
  let peakMiB = before.pssMiB;
  const sampler = setInterval(() => {
    peakMiB = Math.max(peakMiB, statsOf(pids).pssMiB);
  }, SAMPLE_MS);
  try {
    const outcome = await task();
    const after = statsOf(pids);
    peakMiB = Math.max(peakMiB, after.pssMiB);
    return { outcome, usage: { cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakMiB } };
  } finally {
    clearInterval(sampler);
  }
}

const RESTS_MAX = 20;
const REST_MS = 1_000;
/** Of a core. */
const RESTING_SHARE = 0.25;

/** Waits until a server has done what many clients at once made it do: until it takes little CPU, or 20 s have passed. */
export async function untilAtRest(pids: readonly number[]): Promise<void> {
  for (let rests = 0; rests < RESTS_MAX; rests += 1) {
    const { usage } = await metered(pids, () => sleep(REST_MS));
    if (usage !== undefined && usage.cpuSeconds * 1_000 < RESTING_SHARE * REST_MS) return;
  }
}
