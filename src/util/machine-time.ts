// Monotonic time that all processes of a machine share, for what one tells another: a clock's own begins anew with each
// process. Translated times are in whole milliseconds, and never later than what they stand for.

import type { Clock } from "./clock.ts";

const NS_PER_MS = 1e6;

/** Of a time of this process's monotonic clock. */
export function toMachineTime(clock: Clock, time: number): number {
  // Asked for first: what passes in between makes the result earlier.
  const machine = machineNow();
  return Math.floor(machine - (clock.monotonic() - time));
}

/** As a time of this process's monotonic clock. */
export function fromMachineTime(clock: Clock, machineTime: number): number {
  const now = clock.monotonic();
  return Math.floor(now - (machineNow() - machineTime));
}

function machineNow(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}
