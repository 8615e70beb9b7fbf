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

/** A request by the phase in which it began. */
export interface Timing {
  readonly phase: string;
  readonly elapsedMs: number;
  readonly isGood: boolean;
}

export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #acknowledged = new Map<string, Buffer>();
  readonly timings: Timing[] = [];
  readonly wrong: string[] = [];
  /** What failed, by the error's name and the phase. */
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
    for (const [key, bytes] of this.#acknowledged) {
      try {
        await this.#compare(client, key, bytes);
      } catch (error) {
        this.wrong.push(`${key} is lost: ${String(error)}`);
      }
    }
  }

  async #run(lane: number, random: SeededRandom): Promise<void> {
    for (let count = 0; !this.#isOver; count += 1) {
      const key = `${lane}-${random.below(KEYS_PER_LANE)}`;
      const expected = this.#acknowledged.get(key);
      const { phase } = this;
      const begin = performance.now();
      let isGood = true;
      try {
        if (expected === undefined || random.below(2) === 0) {
          const size = SIZES[random.below(SIZES.length)] ?? 0;
          await this.#put(key, Buffer.alloc(size, `${lane}.${count};`));
        } else {
          await this.#compare(this.#options.client, key, expected);
        }
      } catch (error) {
        isGood = false;
        this.#noteFailure(error, phase);
      }
      this.timings.push({ phase, elapsedMs: performance.now() - begin, isGood });
      if (!isGood) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #put(Key: string, Body: Buffer): Promise<void> {
    const { client, bucket } = this.#options;
    // Until it is answered nobody knows which of the two it is.
    this.#acknowledged.delete(Key);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    this.#acknowledged.set(Key, Body);
  }

  async #compare(client: S3Client, Key: string, expected: Buffer): Promise<void> {
    const { bucket } = this.#options;
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const bytes = await Body?.transformToByteArray();
    if (!expected.equals(bytes ?? new Uint8Array())) this.wrong.push(`${Key} has other bytes`);
  }

  #noteFailure(error: unknown, phase: string): void {
    const name = error instanceof Error ? error.name : "unknown";
    const label = `${phase}: ${name}`;
    this.failures.set(label, (this.failures.get(label) ?? 0) + 1);
  }
}
