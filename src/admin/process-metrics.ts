// What the process itself takes, under the names that Prometheus's clients agree on. Read when the metrics are asked for:
// the library's own set keeps a timer that fires a hundred times a second.

import { readdir } from "node:fs/promises";
import { Counter, Gauge, type Registry } from "prom-client";

const MICROSECONDS = 1e6;

export async function addProcessMetrics(registry: Registry): Promise<void> {
  const registers = [registry];
  const counter = (name: string, help: string, value: number): void =>
    new Counter({ name, help, registers }).inc(value);
  const gauge = (name: string, help: string, value: number): void =>
    new Gauge({ name, help, registers }).set(value);
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage();
  const seconds = (cpu.user + cpu.system) / MICROSECONDS;
  counter("process_cpu_seconds_total", "Processor time, in seconds.", seconds);
  const startedAt = Date.now() / 1_000 - process.uptime();
  gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", startedAt);
  gauge("process_resident_memory_bytes", "Memory in use.", memory.rss);
  gauge("nodejs_heap_size_total_bytes", "Size of the JavaScript heap.", memory.heapTotal);
  gauge("nodejs_heap_size_used_bytes", "The heap's bytes in use.", memory.heapUsed);
  gauge("nodejs_external_memory_bytes", "Memory of buffers outside the heap.", memory.external);
  const { utilization } = performance.eventLoopUtilization();
  const help = "Share of the time since the start in which the event loop was busy.";
  gauge("nodejs_eventloop_utilization", help, utilization);
  const files = await openFileCount();
  if (files !== undefined) gauge("process_open_fds", "Open file descriptors.", files);
}

/** Undefined where the system does not tell. */
async function openFileCount(): Promise<number | undefined> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return undefined;
  }
}
