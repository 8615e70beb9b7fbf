// A cluster of six node processes with objects of every kind in it, for tests of what the loss of nodes does to clients:
// which objects read back, what a request is refused with, and whether the gateway sees every node.

import { randomBytes } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { Cluster } from "./cluster.ts";

export const NODE_COUNT = 6;
export const MIB = 1024 * 1024;
export const BUCKET = "kept";

/** In an order in which each pair has a node in common with the one before. */
export const PAIRS = [
  [0, 1],
  [0, 2],
  [0, 3],
  [0, 4],
  [0, 5],
  [1, 5],
  [1, 4],
  [1, 3],
  [1, 2],
  [2, 3],
  [2, 4],
  [2, 5],
  [3, 5],
  [3, 4],
  [4, 5],
] as const;

const Bucket = BUCKET;

export class ClusterObjects {
  readonly cluster: Cluster;
  /** What each key holds. */
  readonly contents = new Map<string, Buffer>();

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async make(cluster: Cluster): Promise<ClusterObjects> {
    const objects = new ClusterObjects(cluster);
    await cluster.client.send(new CreateBucketCommand({ Bucket }));
    for (const sizeBytes of [1, 5_000, 20_000, 100_000, MIB + 1, 9 * MIB + 12_345]) {
      await objects.put(`object-${sizeBytes}`, randomBytes(sizeBytes));
    }
    await objects.#putInParts("in-parts", [randomBytes(5 * MIB), randomBytes(MIB)]);
    return objects;
  }

  async put(Key: string, Body: Buffer): Promise<void> {
    await this.cluster.client.send(new PutObjectCommand({ Bucket, Key, Body }));
    this.contents.set(Key, Body);
  }

  async #putInParts(Key: string, parts: readonly Buffer[]): Promise<void> {
    const { client } = this.cluster;
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const Parts: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
    for (const [index, Body] of parts.entries()) {
      const part = { Bucket, Key, UploadId, Body, PartNumber: index + 1 };
      const { ETag } = await client.send(new UploadPartCommand(part));
      Parts.push({ ETag, PartNumber: part.PartNumber });
    }
    const whole = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
    await client.send(new CompleteMultipartUploadCommand(whole));
    this.contents.set(Key, Buffer.concat(parts));
  }

  async get(Key: string): Promise<Uint8Array | undefined> {
    const { Body } = await this.cluster.client.send(new GetObjectCommand({ Bucket, Key }));
    return Body?.transformToByteArray();
  }

  /** The names of objects that do not read back as they were written. */
  async unreadable(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const [key, content] of this.contents) {
      const bytes = await this.get(key).catch(() => undefined);
      if (bytes === undefined || !content.equals(bytes)) wrong.push(key);
    }
    return wrong;
  }

  putProbe(sizeBytes = 300_000): Promise<unknown> {
    const probe = { Bucket, Key: "probe", Body: randomBytes(sizeBytes) };
    return this.cluster.client.send(new PutObjectCommand(probe));
  }

  /** Writes succeed, so the gateway sees all nodes but one at least. */
  async untilWritable(): Promise<void> {
    const refusal = () => refusalOf(this.putProbe());
    await expect.poll(refusal, { timeout: 20_000, interval: 50 }).toBeUndefined();
  }

  /** The gateway sees every node. */
  async untilWhole(): Promise<void> {
    const written = () => this.#allShardsWritten();
    await expect.poll(written, { timeout: 20_000, interval: 50 }).toBe(NODE_COUNT);
  }

  /** How many nodes get a shard of an object that is written now. */
  async #allShardsWritten(): Promise<number> {
    const before = await this.shardsByNode();
    // Larger than what shares a pack.
    const refusal = await refusalOf(this.putProbe(MIB + 1));
    if (refusal !== undefined) return 0;
    const after = await this.shardsByNode();
    return after.filter((files, index) => files.some((file) => !before[index]?.includes(file)))
      .length;
  }

  shardsByNode(): Promise<readonly (readonly string[])[]> {
    const nodes = Array.from({ length: NODE_COUNT }, (_, index) => index);
    return Promise.all(nodes.map((index) => this.cluster.shardFiles(index)));
  }
}

/** One cluster for all tests of a file; each test starts with all nodes there. */
export function useClusterObjects(): () => ClusterObjects {
  const endings: (() => Promise<unknown>)[] = [];
  let objects: ClusterObjects | undefined;
  const get = (): ClusterObjects => {
    if (objects === undefined) throw new Error("the cluster was not started");
    return objects;
  };
  beforeAll(async () => {
    const cluster = await Cluster.start(NODE_COUNT, (end) => endings.push(end));
    objects = await ClusterObjects.make(cluster);
  }, 60_000);
  // One test that fails must not fail those after it.
  beforeEach(async () => {
    await get().cluster.heal();
    await get().untilWhole();
  }, 60_000);
  afterAll(async () => {
    for (const end of endings.toReversed()) await end();
  });
  return get;
}

/** What a request is refused with; undefined when it is not. */
export async function refusalOf(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}
