// A steady load for tests in which something goes on beside it: two lanes that write, read back and delete objects of every
// kind (inline, packed, sets of their own). Any request that fails fails the test.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect } from "vitest";
import { bytesOf, md5 } from "./store-lab.ts";

const KIB = 1024;
const SIZES = [100, 40 * KIB, 120 * KIB, 1_200 * KIB];
const KEYS = 16;

/** Writes, reads and deletes until it is told to stop; any request that fails, fails the test. */
export class SteadyLoad {
  #client: S3Client;
  readonly #bucket: string;
  readonly #seeds = new Map<string, number>();
  #isOver = false;
  #running: Promise<void> | undefined;
  count = 0;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  begin(): void {
    this.#isOver = false;
    this.#running = Promise.all([this.#turn(0), this.#turn(1)]).then(() => undefined);
    this.#running.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async fill(): Promise<void> {
    for (let n = 0; n < KEYS; n += 1) await this.#put(`key-${n}`, n);
  }

  /** Where the server is now, after a restart. */
  useClient(client: S3Client): void {
    this.#client = client;
  }

  async expectAll(client = this.#client): Promise<void> {
    for (const [Key, seed] of this.#seeds) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: this.#bucket, Key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
      expect(md5(bytes), Key).toBe(md5(bodyOf(seed)));
    }
  }

  async #turn(lane: number): Promise<void> {
    for (let n = 0; !this.#isOver; n += 1) {
      const Key = `key-${(n * 2 + lane) % KEYS}`;
      const seed = this.#seeds.get(Key);
      if (seed !== undefined) {
        const { Body } = await this.#client.send(
          new GetObjectCommand({ Bucket: this.#bucket, Key }),
        );
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array(0);
        expect(md5(bytes), Key).toBe(md5(bodyOf(seed)));
      }
      if (n % 5 === 4) {
        await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key }));
        this.#seeds.delete(Key);
      } else await this.#put(Key, 1_000 + this.count);
      this.count += 1;
    }
  }

  async #put(Key: string, seed: number): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key, Body: bodyOf(seed) }),
    );
    this.#seeds.set(Key, seed);
  }
}

const bodyOf = (seed: number): Buffer => bytesOf(SIZES[seed % SIZES.length] ?? 0, seed);
