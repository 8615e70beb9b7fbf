// What the server takes, all its workers together, under the names that Prometheus's clients agree on. Read when the
// metrics are asked for: the library's own set keeps a timer that fires a hundred times a second.

import { Counter, Gauge, type Registry } from "prom-client";
import { processFigures, type ProcessFigures } from "../telemetry/process-figures.ts";

/** What other processes of the same server take. */
export interface OtherProcesses {
  readonly figures: readonly ProcessFigures[];
  /** Processor time of those that are gone. */
  readonly pastCpuSeconds: number;
}

export async function addProcessMetrics(
  registry: Registry,
  { figures, pastCpuSeconds }: OtherProcesses,
): Promise<void> {
  const registers = [registry];
  const counter = (name: string, help: string, value: number): void =>
    new Counter({ name, help, registers }).inc(value);
  const gauge = (name: string, help: string, value: number): void =>
    new Gauge({ name, help, registers }).set(value);
  const all = [await processFigures(), ...figures];
  const sum = (of: (each: ProcessFigures) => number): number =>
    all.reduce((total, each) => total + of(each), 0);
  const seconds = pastCpuSeconds + sum(({ cpuSeconds }) => cpuSeconds);
  counter("process_cpu_seconds_total", "Processor time, in seconds.", seconds);
  const startedAt = Date.now() / 1_000 - process.uptime();
  gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", startedAt);
  const bytes = (name: string, help: string, of: (each: ProcessFigures) => number): void =>
    gauge(name, help, sum(of));
  const resident = "Memory in use.";
  bytes("process_resident_memory_bytes", resident, ({ residentBytes }) => residentBytes);
  const heap = "Size of the JavaScript heap.";
  bytes("nodejs_heap_size_total_bytes", heap, ({ heapTotalBytes }) => heapTotalBytes);
  const used = "The heap's bytes in use.";
  bytes("nodejs_heap_size_used_bytes", used, ({ heapUsedBytes }) => heapUsedBytes);
  const external = "Memory of buffers outside the heap.";
  bytes("nodejs_external_memory_bytes", external, ({ externalBytes }) => externalBytes);
  const busiest = Math.max(...all.map(({ loopUtilization }) => loopUtilization));
  const help =
    "Share of the time since the start in which the event loop (the busiest worker's) was busy.";
  gauge("nodejs_eventloop_utilization", help, busiest);
  gauge("kintsugi_processes", "Worker processes that serve.", all.length);
  if (all.every(({ openFiles }) => openFiles !== undefined)) {
    gauge(
      "process_open_fds",
      "Open file descriptors.",
      sum(({ openFiles = 0 }) => openFiles),
    );
  }
}
