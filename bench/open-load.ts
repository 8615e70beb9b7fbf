// The client process for loads at a rate: GETs and PUTs of small objects of one size, at random moments that do not depend on
// how soon answers come (an open loop), each timed from the moment at which it was due. Without a rate it loads a number of
// connections as fast as they go. A process of its own, so that it and the server do not share an event loop.

import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom, type SeededRandom } from "../src/util/seeded-random.ts";
import { NumberedBytes, numberedPath } from "./numbered-objects.ts";
import { Presigner, type Target } from "./presign.ts";
import { RawClient } from "./raw-client.ts";

export interface OpenJob {
  readonly target: Target;
  readonly bucket: string;
  /** The objects numbered from 0, which are there. */
  readonly keys: number;
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly seed: number;
  /** Requests a second; undefined: as fast as `connections` go. */
  readonly rate?: number;
  /** Most at a time. */
  readonly connections: number;
  /** Of a hundred. */
  readonly putShare: number;
}

export interface OpenOutcome {
  readonly operations: number;
  readonly seconds: number;
  readonly errors: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const ERRORS_MAX = 20;
const IDLE_MS = 1;
/** Steps between 0 and 1. */
const FINE = 2 ** 30;

process.on("message", (job: OpenJob) => {
  new Load(job).run().then(
    (outcome) => process.send?.(outcome),
    (error: unknown) =>
      process.send?.({ operations: 0, seconds: 0, errors: [String(error)], p50Ms: 0, p99Ms: 0 }),
  );
});

class Load {
  readonly #job: OpenJob;
  readonly #random: SeededRandom;
  readonly #presigner: Presigner;
  readonly #bytes: NumberedBytes;
  readonly #clients: RawClient[];
  readonly #free: RawClient[];
  readonly #latencies: number[] = [];
  readonly #errors: string[] = [];

  constructor(job: OpenJob) {
    this.#job = job;
    this.#random = seededRandom(job.seed);
    this.#presigner = new Presigner(job.target);
    this.#bytes = new NumberedBytes(job.sizeBytes);
    const { host, port } = job.target;
    this.#clients = Array.from({ length: job.connections }, () => new RawClient(host, port));
    this.#free = [...this.#clients];
  }

  async run(): Promise<OpenOutcome> {
    const begin = performance.now();
    await (this.#job.rate === undefined ? this.#closed(begin) : this.#open(begin, this.#job.rate));
    const seconds = (performance.now() - begin) / 1_000;
    for (const client of this.#clients) client.close();
    const sorted = Float64Array.from(this.#latencies).toSorted();
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    const errors = this.#errors.slice(0, ERRORS_MAX);
    return { operations: sorted.length, seconds, errors, p50Ms: at(0.5), p99Ms: at(0.99) };
  }

  async #closed(begin: number): Promise<void> {
    const end = begin + this.#job.seconds * 1_000;
    await Promise.all(
      this.#clients.map(async (client) => {
        while (performance.now() < end) await this.#fire(client, performance.now());
      }),
    );
  }

  async #open(begin: number, rate: number): Promise<void> {
    const end = begin + this.#job.seconds * 1_000;
    const underWay = new Set<Promise<void>>();
    let dueAt = begin;
    const waiting: number[] = [];
    while (dueAt < end || waiting.length > 0) {
      for (const now = performance.now(); dueAt <= now && dueAt < end;) {
        waiting.push(dueAt);
        dueAt += (-Math.log(1 - this.#random.below(FINE) / FINE) / rate) * 1_000;
      }
      while (waiting.length > 0) {
        const client = this.#free.pop();
        if (client === undefined) break;
        const request = this.#fire(client, waiting.shift() ?? dueAt).finally(() => {
          this.#free.push(client);
          underWay.delete(request);
        });
        underWay.add(request);
      }
      await sleep(IDLE_MS);
    }
    await Promise.all(underWay);
  }

  /** Never rejects: what fails is told at the end. */
  async #fire(client: RawClient, dueAt: number): Promise<void> {
    const { bucket, keys, putShare, sizeBytes } = this.#job;
    const number = this.#random.below(keys);
    const method = this.#random.below(100) < putShare ? "PUT" : "GET";
    const path = numberedPath(bucket, number);
    const request = { method, target: this.#presigner.sign({ method, path }) };
    try {
      const answer = await client.send(
        method === "PUT" ? { ...request, body: this.#bytes.of(number) } : request,
      );
      const isRight = answer.status === 200 && (method === "PUT" || answer.bodyBytes === sizeBytes);
      if (!isRight) throw new Error(`${method} ${path}: ${answer.status}, ${answer.bodyBytes} B`);
      this.#latencies.push(performance.now() - dueAt);
    } catch (error) {
      this.#errors.push(String(error));
    }
  }
}
