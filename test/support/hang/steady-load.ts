// A steady load of PUTs and GETs of three sizes (inline, packed, a set of its own), for what is measured while a drive
// hangs: how long each request took, by phase. What was acknowledged is remembered, and can be read back at the end.

import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";

const SIZES = [200, 40_000, 1_500_000];
const KEYS_PER_LANE = 30;
/** After a failed request, so that refusals do not come by the thousand. */
const PAUSE_MS = 50;

export interface LoadOptions {
  readonly client: S3Client;
  /** Exists. */
  readonly bucket: string;
  readonly seed: number;
  /** Requests at a time. */
  readonly lanes: number;
}

/** What it was written with, again and again, up to its size. */
interface Content {
  readonly sizeBytes: number;
  readonly pattern: string;
}

/** A request by the phase in which it began. */
export interface Timing {
  readonly phase: string;
  readonly elapsedMs: number;
  readonly isGood: boolean;
}

export class SteadyLoad {
  readonly #options: LoadOptions;
  /** What each key may hold: what was acknowledged last, and writes since of which nobody knows. */
  readonly #contents = new Map<string, readonly Content[]>();
  readonly timings: Timing[] = [];
  readonly wrong: string[] = [];
  /** What failed, by the phases in which it began and ended, the method, and the error's name or code. */
  readonly failures = new Map<string, number>();
  phase = "before";
  #isOver = false;
  #lanes: readonly Promise<void>[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    const { lanes, seed } = this.#options;
    this.#lanes = Array.from({ length: lanes }, (_, lane) =>
      this.#run(lane, seededRandom(seed + lane)),
    );
  }

  /** How many requests of a phase were good, and how long all of them took. */
  figures(phase: string): string {
    const [middle, high, top] = [0.5, 0.99, 1].map((share) =>
      Math.round(this.quantile(phase, share)),
    );
    return `${phase} ${this.goodIn(phase)} good, p50 ${middle} p99 ${high} max ${top} ms`;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
  }

  goodIn(phase: string): number {
    return this.timings.filter((timing) => timing.phase === phase && timing.isGood).length;
  }

  /** Milliseconds below which a share of the phase's requests stayed; 0 when there were none. */
  quantile(phase: string, share: number): number {
    const times = this.timings
      .filter((timing) => timing.phase === phase)
      .map(({ elapsedMs }) => elapsedMs)
      .toSorted((left, right) => left - right);
    return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  }

  get longestMs(): number {
    return Math.max(0, ...this.timings.map(({ elapsedMs }) => elapsedMs));
  }

  /** Reads back everything that was acknowledged; what is not as it should be is in `wrong`. */
  async verify(client = this.#options.client): Promise<void> {
    for (const [key, contents] of this.#contents) {
      try {
        await this.#compare(client, key, contents);
      } catch (error) {
        this.wrong.push(`${key} is lost: ${String(error)}`);
      }
    }
  }

  async #run(lane: number, random: SeededRandom): Promise<void> {
    for (let count = 0; !this.#isOver; count += 1) {
      const key = `${lane}-${random.below(KEYS_PER_LANE)}`;
      const expected = this.#contents.get(key);
      const { phase } = this;
      const begin = performance.now();
      const isWrite = expected === undefined || random.below(2) === 0;
      let isGood = true;
      try {
        if (isWrite) {
          const sizeBytes = SIZES[random.below(SIZES.length)] ?? 0;
          await this.#put(key, { sizeBytes, pattern: `${lane}.${count};` });
        } else {
          await this.#compare(this.#options.client, key, expected);
        }
      } catch (error) {
        isGood = false;
        const phases = phase === this.phase ? phase : `${phase}, ${this.phase}`;
        this.#noteFailure(error, `${phases}: ${isWrite ? "PUT" : "GET"}`);
      }
      this.timings.push({ phase, elapsedMs: performance.now() - begin, isGood });
      if (!isGood) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #put(Key: string, content: Content): Promise<void> {
    const { client, bucket: Bucket } = this.#options;
    const before = this.#contents.get(Key);
    if (before !== undefined) this.#contents.set(Key, [...before, content]);
    await client.send(new PutObjectCommand({ Bucket, Key, Body: bytesOf(content) }));
    this.#contents.set(Key, [content]);
  }

  async #compare(client: S3Client, Key: string, contents: readonly Content[]): Promise<void> {
    const { bucket } = this.#options;
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    const isOne = contents.some(
      (content) => content.sizeBytes === bytes.length && bytesOf(content).equals(bytes),
    );
    if (!isOne) this.wrong.push(`${Key} has other bytes`);
  }

  #noteFailure(error: unknown, what: string): void {
    const { name, code = name } = error as Error & { readonly code?: string };
    const label = `${what} ${code}`;
    this.failures.set(label, (this.failures.get(label) ?? 0) + 1);
  }
}

function bytesOf({ sizeBytes, pattern }: Content): Buffer {
  return Buffer.alloc(sizeBytes, pattern);
}
