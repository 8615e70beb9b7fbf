// `npm run large [-- GiB]`: one object of 5 GiB by a single PUT and one by multipart, downloaded and compared, while the
// memory of the server's process tree is sampled (Pss). Prints the peak of each step.

import { createHash, type Hash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { startOwnServer } from "../bench/own-server.ts";
import { processStats } from "../bench/process-stats.ts";

const GIB = 1024 ** 3;
const CHUNK_BYTES = 1024 * 1024;
const SAMPLE_MS = 200;
const sizeBytes = Number(process.argv[2] ?? 5) * GIB;

/** Bytes that depend on the seed and the position alone, so that nothing of that size need be kept. */
async function* generated(seed: string, hash: Hash): AsyncGenerator<Buffer> {
  const block = createHash("shake256", { outputLength: CHUNK_BYTES }).update(seed).digest();
  for (let index = 0; index < sizeBytes / CHUNK_BYTES; index += 1) {
    const chunk = Buffer.from(block);
    chunk.writeUInt32LE(index, (index * 4099) % (CHUNK_BYTES - 4));
    hash.update(chunk);
    yield chunk;
  }
}

const folder = mkdtempSync(
  join(process.env["KINTSUGI_LARGE_FOLDER"] ?? tmpdir(), "kintsugi-large-"),
);
const server = await startOwnServer({ folder });
const s3 = new S3Client({
  endpoint: server.endpoint.href,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
});
let peakMiB = 0;
const sampler = setInterval(() => {
  peakMiB = Math.max(peakMiB, processStats(server.pid).pssMiB);
}, SAMPLE_MS);

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  peakMiB = 0;
  const begin = performance.now();
  const result = await work();
  const seconds = (performance.now() - begin) / 1_000;
  const rate = sizeBytes / 1024 ** 2 / seconds;
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${rate.toFixed(0)} MiB/s, peak ${peakMiB.toFixed(0)} MiB`,
  );
  return result;
}

async function download(Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: "large", Key }));
  const hash = createHash("sha256");
  for await (const chunk of Body as Readable) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function roundTrip(Key: string, upload: (body: Readable) => Promise<unknown>): Promise<void> {
  const hash = createHash("sha256");
  await step(`${Key} upload`, () =>
    upload(Readable.from(generated(Key, hash), { objectMode: false })),
  );
  const sent = hash.digest("hex");
  const received = await step(`${Key} download`, () => download(Key));
  if (sent !== received) throw new Error(`${Key}: the bytes differ`);
  console.log(`${Key}: bytes equal (SHA-256 ${sent})`);
  await s3.send(new DeleteObjectCommand({ Bucket: "large", Key }));
}

try {
  await s3.send(new CreateBucketCommand({ Bucket: "large" }));
  const base = { Bucket: "large" };
  await roundTrip("single-put", (Body) =>
    s3.send(new PutObjectCommand({ ...base, Key: "single-put", Body, ContentLength: sizeBytes })),
  );
  await roundTrip("multipart", (Body) =>
    new Upload({ client: s3, params: { ...base, Key: "multipart", Body } }).done(),
  );
} finally {
  clearInterval(sampler);
  await server.stop();
  const { rmSync } = await import("node:fs");
  rmSync(folder, { recursive: true, force: true });
}
