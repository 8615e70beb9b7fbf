// The table that `npm run bench` prints.

import { figuresOf } from "./quartiles.ts";
import type { Result } from "./results.ts";

const WIDTHS = [16, 16, 10, 16, 8, 8, 8, 10, 9, 10];
const line = (cells: readonly string[]) =>
  cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 10)).join(" ");

export function printHeader(): void {
  const names = ["work", "server", "ops/s", "quartiles", "MiB/s", "p50 ms", "p99 ms"];
  console.log(line([...names, "CPU us/op", "peak MiB", "client us"]));
}

const optional = (value: number | undefined) => (value === undefined ? "-" : value.toFixed(0));
const rateText = (value: number) => value.toFixed(value < 100 ? 1 : 0);

/** A row for each server, and the ratio of the first to each other one. */
export function printResults(results: readonly Result[]): void {
  const rates: number[] = [];
  for (const result of results) {
    const figures = figuresOf(result);
    rates.push(figures?.rate.median ?? Number.NaN);
    if (!figures || result.error !== undefined) {
      console.log(line([result.work, result.server, result.error ?? "no round"]));
      continue;
    }
    const { rate } = figures;
    console.log(
      line([
        result.work,
        result.server,
        rateText(rate.median),
        `${rateText(rate.low)}-${rateText(rate.high)}`,
        figures.mibPerSecond > 0 ? figures.mibPerSecond.toFixed(0) : "-",
        figures.p50Ms.toFixed(2),
        figures.p99Ms.toFixed(2),
        optional(figures.cpuMicros),
        optional(figures.peakMiB),
        optional(figures.clientCpuMicros),
      ]),
    );
  }
  const [own = 0, ...others] = rates;
  for (const [index, other] of others.entries()) {
    console.log(line(["", `to ${results[index + 1]?.server}`, `${(own / other).toFixed(2)}x`]));
  }
}
