// What a process takes of its machine, as plain numbers: read when somebody asks, and added up over a server's workers.

import { readdir } from "node:fs/promises";

export interface ProcessFigures {
  /** User and system. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapTotalBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** Share of the time since the start in which the event loop was busy. */
  readonly loopUtilization: number;
  /** Undefined where the system does not tell. */
  readonly openFiles: number | undefined;
}

const MICROSECONDS = 1e6;

export async function processFigures(): Promise<ProcessFigures> {
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage();
  return {
    cpuSeconds: (cpu.user + cpu.system) / MICROSECONDS,
    residentBytes: memory.rss,
    heapTotalBytes: memory.heapTotal,
    heapUsedBytes: memory.heapUsed,
    externalBytes: memory.external,
    loopUtilization: performance.eventLoopUtilization().utilization,
    openFiles: await openFileCount(),
  };
}

async function openFileCount(): Promise<number | undefined> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return undefined;
  }
}
