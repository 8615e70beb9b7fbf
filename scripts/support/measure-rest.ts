// What a server takes of the processor while nobody asks it for anything.

import { setTimeout as sleep } from "node:timers/promises";
import { startOwnServer } from "../../bench/own-server.ts";
import { processStats, processTree } from "../../bench/process-stats.ts";
import type { Musts } from "./musts.ts";

const PERCENT_MAX = 2;
const MINUTE_MS = 60_000;

export interface RestOptions {
  readonly folder: string;
  readonly minutes: number;
  /** After the start, before it is measured. */
  readonly settleMs: number;
  /** Of the server. */
  readonly args?: readonly string[];
  readonly musts: Musts;
}

/** Starts a server on what is in the folder, leaves it alone, and stops it. */
export async function measureRest(options: RestOptions): Promise<void> {
  const { folder, minutes, settleMs, args = [], musts } = options;
  const server = await startOwnServer({ folder, args });
  try {
    await sleep(settleMs);
    const workers = processTree(server.pid).slice(1);
    // The first is that of the whole tree.
    const cpus = (): readonly number[] =>
      [server.pid, ...workers].map((pid) => processStats(pid).cpuSeconds);
    const [before, begin] = [cpus(), performance.now()];
    await sleep(minutes * MINUTE_MS);
    const seconds = (performance.now() - begin) / 1_000;
    const shares = cpus().map((used, at) => (100 * (used - (before[at] ?? 0))) / seconds);
    const [figure = 0, ...each] = shares;
    console.log(`of its workers: ${each.map((share) => share.toFixed(2)).join(", ")} percent`);
    musts.check({ what: "percent of a core", figure, limit: PERCENT_MAX, isMost: true });
  } finally {
    await server.stop();
  }
}
