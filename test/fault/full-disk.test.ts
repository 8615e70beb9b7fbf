// A real disk that fills up: a small tmpfs, which only root may mount; elsewhere the test says so and is passed over.
// The same over simulated drives, in every kind of call, is in store-full.test.ts.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import { openEmbedded } from "../../src/server.ts";
import { MovableClock } from "../../src/util/clock.ts";
import { EMBEDDED } from "../support/embedded.ts";
import { errorCode, exchange } from "../support/raw-http.ts";
import { refusal } from "../support/s3-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";
import { sha256Hex, signV4, wireBytes } from "../support/signing.ts";
import { mountSmallDisk } from "../support/small-disk.ts";

const MIB = 1024 * 1024;
const DISK_BYTES = 64 * MIB;
/** Small enough to lie in the metadata. */
const SMALL_BYTES = 8_192;
const Bucket = "full";
const KEYS = { accessKey: "operator", secretKey: "operator-secret" };
/** Drives are asked, and the trash is looked at, every five seconds. */
const POLL = { timeout: 30_000, interval: 100 };

/** Its monotonic time moves too, so that the trash need not be waited for. */
class FastClock extends MovableClock {
  aheadMs = 0;

  override monotonic(): number {
    return super.monotonic() + this.aheadMs;
  }
}

/** A small file system of its own; undefined where none can be mounted. */
async function givenSmallDisk(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-full-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return mountSmallDisk(folder, DISK_BYTES) ? folder : undefined;
}

async function givenServer(folder: string) {
  const clock = new FastClock();
  const server = await openEmbedded({
    ...EMBEDDED,
    folders: [folder],
    keys: KEYS,
    buckets: [Bucket],
    clock,
  });
  onTestFinished(() => server.close());
  const { port } = new URL(server.endpoint);
  const client = sdkClientOf(server.endpoint, KEYS);
  client.config.forcePathStyle = true;
  return { clock, client, port: Number(port) };
}

/** Puts ever smaller objects until not even a byte is taken. */
async function fill(client: S3Client): Promise<readonly string[]> {
  const keys: string[] = [];
  const outcomes = new Set<string>();
  for (const sizeBytes of [4 * MIB, MIB, 200_000, 20_000]) {
    for (;;) {
      const Key = `key-${keys.length}`;
      const put = client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(sizeBytes) }));
      const { code } = await put.then(
        () => ({ code: "" }),
        () => refusal(put),
      );
      if (code !== "") {
        outcomes.add(code);
        break;
      }
      keys.push(Key);
    }
  }
  expect([...outcomes]).toEqual(["InsufficientStorage"]);
  return keys;
}

/** Sends the head alone, and never a byte of the body: the answer is what the client gets before it. */
function putWithoutBody(port: number) {
  const path = `/${Bucket}/expected`;
  const headers = {
    host: `127.0.0.1:${port}`,
    "content-length": String(MIB),
    expect: "100-continue",
  };
  const payload = sha256Hex(Buffer.alloc(MIB));
  const signed = signV4(KEYS, { method: "PUT", path, payload, headers });
  return exchange(port, (socket) => socket.write(wireBytes("PUT", path, signed.headers, "")));
}

/** Puts objects that lie in the metadata until none is taken any more, several at a time: `look` is asked after each. */
async function fillWithSmall(
  client: S3Client,
  look: () => Promise<void>,
): Promise<readonly string[]> {
  const keys: string[] = [];
  const codes = new Set<string>();
  const Body = randomBytes(SMALL_BYTES);
  const putOne = async (): Promise<void> => {
    while (codes.size === 0) {
      const Key = `small/${keys.length}`;
      keys.push(Key);
      const put = client.send(new PutObjectCommand({ Bucket, Key, Body }));
      const isRefused = await put.then(
        () => false,
        () => true,
      );
      await look();
      if (isRefused) codes.add((await refusal(put)).code);
    }
  };
  await Promise.all(Array.from({ length: 8 }, putOne));
  expect([...codes]).toEqual(["InsufficientStorage"]);
  return keys;
}

test(
  "F43 small objects fill the disk of the metadata: they are read, listed and deleted, and make room again",
  { timeout: 180_000 },
  async ({ skip }) => {
    const folder = await givenSmallDisk();
    if (folder === undefined) {
      console.warn("SKIPPED: no tmpfs can be mounted here, so no real disk was filled");
      skip("no tmpfs can be mounted here");
      return;
    }
    const { client } = await givenServer(folder);
    const freeShare = async (): Promise<number> => {
      const { bavail, bsize } = await statfs(folder);
      return (bavail * bsize) / DISK_BYTES;
    };
    for (let round = 0; round < 2; round += 1) {
      // Looked at all the while: a moment after the refusal records may have been cut in the background, and there is room again.
      let least = 1;
      const keys = await fillWithSmall(client, async () => {
        least = Math.min(least, await freeShare());
      });
      expect(keys.length).toBeGreaterThan(100);
      expect(least).toBeLessThan(0.35);
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      expect(Contents.length).toBeGreaterThan(100);
      const [{ Key } = {}] = Contents;
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      expect((await Body?.transformToByteArray())?.length).toBe(SMALL_BYTES);
      for (let start = 0; start < keys.length; start += 1_000) {
        const Objects = keys.slice(start, start + 1_000).map((each) => ({ Key: each }));
        await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      }
      // The records of the members are cut behind a snapshot, and the database is made shorter.
      await expect.poll(freeShare, POLL).toBeGreaterThan(0.45);
      const put = () =>
        client.send(new PutObjectCommand({ Bucket, Key: "small/again", Body: "x" })).then(() => 1);
      await expect.poll(put, POLL).toBe(1);
    }
  },
);

test(
  "F43 F45 a disk runs full: PUT gets 507 before its body, GET, LIST, DELETE go on, room comes back",
  { timeout: 120_000 },
  async ({ skip }) => {
    const folder = await givenSmallDisk();
    if (folder === undefined) {
      console.warn("SKIPPED: no tmpfs can be mounted here, so no real disk was filled");
      skip("no tmpfs can be mounted here");
      return;
    }
    const { client, clock, port } = await givenServer(folder);
    const keys = await fill(client);
    expect(keys.length).toBeGreaterThan(5);
    const put = () =>
      client.send(new PutObjectCommand({ Bucket, Key: "small", Body: "x" })).then(
        () => 200,
        (error: { $metadata: { httpStatusCode: number } }) => error.$metadata.httpStatusCode,
      );
    await expect.poll(put, POLL).toBe(507);

    const answer = await putWithoutBody(port);
    expect([answer.status, errorCode(answer)]).toEqual([507, "InsufficientStorage"]);

    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(expect.arrayContaining([...keys]));
    for (const Key of keys) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array([1]);
      expect(bytes.every((byte) => byte === 0)).toBe(true);
    }
    for (const Key of keys) await client.send(new DeleteObjectCommand({ Bucket, Key }));

    // The sets are in the trash; each is seen there once, and goes a minute of the server's time later.
    const passTime = () => {
      clock.aheadMs += 60_000;
      return put();
    };
    await expect.poll(passTime, POLL).toBe(200);
    const Body = Buffer.alloc(4 * MIB, 1);
    await expect
      .poll(
        () => client.send(new PutObjectCommand({ Bucket, Key: "large", Body })).then(() => 1),
        POLL,
      )
      .toBe(1);
  },
);
