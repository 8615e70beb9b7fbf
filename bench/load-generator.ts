// The client process: loads one endpoint with one kind of work over a number of connections for a number of seconds.
// A process of its own, so that it and the server do not share an event loop. Takes a job as a message, answers with
// the outcome.

import { Presigner, type Target } from "./presign.ts";
import { RawClient } from "./raw-client.ts";
import { fire, type Scope, type Source, type Work } from "./works/work.ts";
import { workOf } from "./works/work-of.ts";

export interface Job {
  /** `fill` puts what the work needs; `run` loads. */
  readonly kind: "fill" | "run";
  readonly target: Target;
  readonly bucket: string;
  readonly work: string;
  readonly seconds: number;
  readonly connections: number;
  /** Distinct small objects that are read; keys that are listed. */
  readonly keys: number;
  /** Sets the keys of this round apart from those of others. */
  readonly round: number;
  /** A round that has written so many bytes ends, so that memory that serves as a disk lasts. */
  readonly bytesMax?: number;
}

export interface Outcome {
  readonly operations: number;
  readonly seconds: number;
  readonly errors: readonly string[];
  readonly latenciesMs: { readonly p50: number; readonly p99: number };
  readonly bytesPerOperation: number;
  /** What this process itself used of the machine that it shares with the server. */
  readonly clientCpuSeconds: number;
}

const FILLING_CONNECTIONS = 32;
const FILLING_LARGE_CONNECTIONS = 4;
const LARGE_BYTES = 1024 * 1024;
const ERRORS_MAX = 20;
const BUCKET_THERE = new Set([200, 409]);

process.on("message", (job: Job) => {
  const done = job.kind === "fill" ? fill(job) : run(job);
  done.then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => process.send?.({ ...nothing(), errors: [String(error)] }),
  );
});

function nothing(): Outcome {
  const none = { operations: 0, seconds: 0, bytesPerOperation: 0, clientCpuSeconds: 0 };
  return { ...none, errors: [], latenciesMs: { p50: 0, p99: 0 } };
}

function scopeOf(job: Job): Scope {
  const { bucket, round, seconds, keys } = job;
  return { presigner: new Presigner(job.target), bucket, round, seconds, keys };
}

function clientsOf({ target }: Job, count: number): RawClient[] {
  return Array.from({ length: count }, () => new RawClient(target.host, target.port));
}

async function fill(job: Job): Promise<Outcome> {
  const work = workOf(job.work);
  const scope = scopeOf(job);
  const client = new RawClient(job.target.host, job.target.port);
  const path = `/${job.bucket}`;
  const target = scope.presigner.sign({ method: "PUT", path });
  const created = await client.send({ method: "PUT", target, keepBody: true });
  client.close();
  if (!BUCKET_THERE.has(created.status)) throw new Error(created.body.toString());
  const source = work.fill?.(scope);
  if (!source) return nothing();
  const isLarge = work.bytes >= LARGE_BYTES;
  await drain(job, source, isLarge ? FILLING_LARGE_CONNECTIONS : FILLING_CONNECTIONS);
  return nothing();
}

/** Sends all that there is. @throws at the first answer that is not as it must be. */
async function drain(job: Job, source: Source, connections: number): Promise<void> {
  const clients = clientsOf(job, connections);
  try {
    await Promise.all(
      clients.map(async (client) => {
        for (let shot = source(); shot; shot = source()) await fire(client, shot);
      }),
    );
  } finally {
    for (const client of clients) client.close();
  }
}

async function run(job: Job): Promise<Outcome> {
  const work = workOf(job.work);
  const scope = scopeOf(job);
  const { latencies, errors, ...times } = await load(job, work, scope);
  const check = work.check?.(scope, latencies.length);
  if (check && errors.length === 0) await drain(job, check, 1);
  latencies.sort();
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    ...times,
    operations: latencies.length,
    errors: errors.slice(0, 5),
    latenciesMs: { p50: at(0.5), p99: at(0.99) },
    bytesPerOperation: work.bytes,
  };
}

async function load(job: Job, work: Work, scope: Scope) {
  const operation = work.load(scope);
  const clients = clientsOf(job, job.connections);
  const latencies: number[] = [];
  const errors: string[] = [];
  const most = (job.bytesMax ?? Infinity) / Math.max(1, work.bytes);
  const cpuBefore = process.cpuUsage();
  const begin = performance.now();
  const end = begin + job.seconds * 1_000;
  const lane = async (client: RawClient) => {
    for (let sent = performance.now(); sent < end && latencies.length < most;) {
      try {
        if (!(await operation(client))) return;
        const now = performance.now();
        latencies.push(now - sent);
        sent = now;
      } catch (error) {
        errors.push(String(error));
        if (errors.length > ERRORS_MAX) return;
        sent = performance.now();
      }
    }
  };
  await Promise.all(clients.map(lane));
  const seconds = (performance.now() - begin) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  for (const client of clients) client.close();
  const clientCpuSeconds = (cpu.user + cpu.system) / 1e6;
  return { latencies: Float64Array.from(latencies), errors, seconds, clientCpuSeconds };
}
