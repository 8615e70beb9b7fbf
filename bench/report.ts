// Medians of rounds, and the table that shows them.

import type { Outcome } from "./load-generator.ts";

export interface Measured {
  readonly outcome: Outcome;
  readonly cpuSeconds: number | undefined;
  readonly peakMiB: number | undefined;
}

export interface Figures {
  readonly operationsPerSecond: number;
  readonly mibPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerOperation: number | undefined;
  readonly peakMiB: number | undefined;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function figuresOf(rounds: readonly Measured[]): Figures {
  const rate = median(rounds.map(({ outcome }) => outcome.operations / outcome.seconds));
  const cpu = rounds.flatMap(({ outcome, cpuSeconds }) =>
    cpuSeconds === undefined ? [] : [(cpuSeconds / outcome.operations) * 1e6],
  );
  const peaks = rounds.flatMap(({ peakMiB }) => (peakMiB === undefined ? [] : [peakMiB]));
  return {
    operationsPerSecond: rate,
    mibPerSecond: (rate * (rounds[0]?.outcome.bytesPerOperation ?? 0)) / 1024 ** 2,
    p50Ms: median(rounds.map(({ outcome }) => outcome.latenciesMs.p50)),
    p99Ms: median(rounds.map(({ outcome }) => outcome.latenciesMs.p99)),
    cpuMicrosPerOperation: cpu.length > 0 ? median(cpu) : undefined,
    peakMiB: peaks.length > 0 ? Math.max(...peaks) : undefined,
  };
}

const WIDTHS = [10, 10, 10, 10, 10, 10, 12, 10];
const line = (cells: readonly string[]) =>
  cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 10)).join(" ");

export function printHeader(): void {
  console.log(
    line(["work", "server", "ops/s", "MiB/s", "p50 ms", "p99 ms", "CPU us/op", "peak MiB"]),
  );
}

const optional = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(0));

export function printRow(server: string, work: string, figures: Figures): void {
  console.log(
    line([
      work,
      server,
      figures.operationsPerSecond.toFixed(figures.operationsPerSecond < 100 ? 1 : 0),
      figures.mibPerSecond > 0 ? figures.mibPerSecond.toFixed(0) : "-",
      figures.p50Ms.toFixed(2),
      figures.p99Ms.toFixed(2),
      optional(figures.cpuMicrosPerOperation),
      optional(figures.peakMiB),
    ]),
  );
}

export function printRatio(own: Figures, other: Figures): void {
  const ratio = own.operationsPerSecond / other.operationsPerSecond;
  console.log(line(["", "ratio", `${ratio.toFixed(2)}x`]));
}
