// The client process: loads one endpoint with one kind of work over a number of connections for a number of seconds.
// A process of its own, so that it and the server do not share an event loop. Takes a job as a message, answers with
// the outcome.

import { Presigner, type Target } from "./presign.ts";
import { RawClient } from "./raw-client.ts";
import { type Lane, type WorkName, workOf } from "./works.ts";

export interface Job {
  readonly kind: "prepare" | "run";
  readonly target: Target;
  readonly bucket: string;
  readonly work: WorkName;
  readonly seconds: number;
  readonly connections: number;
  /** Sets the keys of this round apart from those of others. */
  readonly round: number;
}

export interface Outcome {
  readonly operations: number;
  readonly seconds: number;
  readonly errors: readonly string[];
  readonly latenciesMs: { readonly p50: number; readonly p99: number };
  readonly bytesPerOperation: number;
}

process.on("message", (job: Job) => {
  const done = job.kind === "prepare" ? prepare(job) : run(job);
  done.then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      const none = { operations: 0, seconds: 0, bytesPerOperation: 0 };
      process.send?.({ ...none, errors: [String(error)], latenciesMs: { p50: 0, p99: 0 } });
    },
  );
});

function lanes(job: Job): Lane[] {
  const presigner = new Presigner(job.target);
  return Array.from({ length: job.connections }, (_, index) => ({
    client: new RawClient(job.target.host, job.target.port),
    presigner,
    bucket: job.bucket,
    index: job.round * 1_000 + index,
  }));
}

async function prepare(job: Job): Promise<Outcome> {
  const requests = [...workOf(job.work).prepare(job.bucket)].toReversed();
  const presigner = new Presigner(job.target);
  const client = new RawClient(job.target.host, job.target.port);
  const create = {
    method: "PUT",
    target: presigner.sign({ method: "PUT", path: `/${job.bucket}` }),
  };
  const created = await client.send({ ...create, keepBody: true });
  if (created.status !== 200 && created.status !== 409) throw new Error(created.body.toString());
  client.close();
  const workers = lanes(job).map(async (lane) => {
    for (let next = requests.pop(); next; next = requests.pop()) {
      const target = presigner.sign({ method: next.method, path: next.path });
      const sent = { method: next.method, target, body: next.body, keepBody: true };
      const { status, body } = await lane.client.send(sent);
      if (status !== 200) throw new Error(`preparing: ${status} ${body.toString().slice(0, 300)}`);
    }
    lane.client.close();
  });
  await Promise.all(workers);
  const nothing = { operations: 0, seconds: 0, errors: [], bytesPerOperation: 0 };
  return { ...nothing, latenciesMs: { p50: 0, p99: 0 } };
}

async function run(job: Job): Promise<Outcome> {
  const work = workOf(job.work);
  const latencies: number[] = [];
  const errors: string[] = [];
  const begin = performance.now();
  const end = begin + job.seconds * 1_000;
  const loops = lanes(job).map(async (lane) => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      const sent = performance.now();
      try {
        await work.run(lane, turn);
        latencies.push(performance.now() - sent);
      } catch (error) {
        errors.push(String(error));
        if (errors.length > 20) return;
      }
    }
    lane.client.close();
  });
  await Promise.all(loops);
  const seconds = (performance.now() - begin) / 1_000;
  latencies.sort((left, right) => left - right);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    operations: latencies.length,
    seconds,
    errors: errors.slice(0, 5),
    latenciesMs: { p50: at(0.5), p99: at(0.99) },
    bytesPerOperation: work.bytes,
  };
}
