// What a process takes of its machine, as plain numbers: read when somebody asks, and added up over a server's workers.

import { readdir } from "node:fs/promises";

export interface ProcessFigures {
  /** User and system. */
  readonly cpuSeconds: number;
  /** This and the three below are 0 where the process has no file left to ask the system with. */
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
  const memory = memoryFigures();
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

/** It reads a file of the system, which fails with EMFILE where there can be no more open files. */
function memoryFigures(): NodeJS.MemoryUsage {
  try {
    return process.memoryUsage();
  } catch {
    return { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };
  }
}

async function openFileCount(): Promise<number | undefined> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return undefined;
  }
}
