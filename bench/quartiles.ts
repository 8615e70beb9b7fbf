// Medians and quartiles of rounds.

import type { Result, Round } from "./results.ts";

export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** By linear interpolation between the values; nothing of none. */
export function quartilesOf(values: readonly number[]): Quartiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((left, right) => left - right);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = sorted[Math.floor(place)] ?? 0;
    const above = sorted[Math.ceil(place)] ?? below;
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

export interface Figures {
  readonly rate: Quartiles;
  readonly mibPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicros: number | undefined;
  readonly peakMiB: number | undefined;
  readonly clientCpuMicros: number;
}

/** Nothing where there is no round. */
export function figuresOf({
  rounds,
  bytesPerOperation,
}: Pick<Result, "bytesPerOperation" | "rounds">): Figures | undefined {
  const rate = quartilesOf(rounds.map(({ operationsPerSecond }) => operationsPerSecond));
  if (!rate) return undefined;
  const medianOf = (pick: (round: Round) => number | undefined) =>
    quartilesOf(rounds.map(pick).filter((value) => value !== undefined))?.median;
  const peaks = rounds.map(({ peakMiB }) => peakMiB).filter((value) => value !== undefined);
  return {
    rate,
    mibPerSecond: (rate.median * bytesPerOperation) / 1024 ** 2,
    p50Ms: medianOf(({ p50Ms }) => p50Ms) ?? 0,
    p99Ms: medianOf(({ p99Ms }) => p99Ms) ?? 0,
    cpuMicros: medianOf(({ cpuMicros }) => cpuMicros),
    peakMiB: peaks.length > 0 ? Math.max(...peaks) : undefined,
    clientCpuMicros: medianOf(({ clientCpuMicros }) => clientCpuMicros) ?? 0,
  };
}
