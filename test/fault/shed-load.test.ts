// More than the process can take: descriptors run out, thousands connect at once, it is told to stop amid a hundred
// uploads. It sheds load with answers that clients understand, loses nothing that it acknowledged, and is well afterwards.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, test } from "vitest";
import { findingsOf } from "../lab/faults/fault-loop.ts";
import { stopAmidUploads } from "../lab/faults/stop-amid-uploads.ts";
import { givenFolder, startProcess } from "../support/kintsugi-process.ts";
import { patterned } from "../support/s3-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const KEYS = { accessKey: "operator", secretKey: "operator-secret-0123456789" };
const ENV = {
  KINTSUGI_ACCESS_KEY: KEYS.accessKey,
  KINTSUGI_SECRET_KEY: KEYS.secretKey,
  KINTSUGI_BUCKETS: "bucket",
  KINTSUGI_ADMIN_PORT: "none",
  // What is short of something is this process alone.
  KINTSUGI_SUPERVISOR: "off",
};
const Bucket = "bucket";
/** Changes limits of a process that runs; of util-linux. */
const LIMITER = "prlimit";
const SIZES = [100, 100_000, 1_500_000];
/** Long enough for drives that were set aside to be asked again. */
const RECOVERY = { timeout: 60_000, interval: 200 };

async function givenServer(folder: string) {
  const server = startProcess(["server", folder, "--port", "0"], { env: ENV });
  const endpoint = await server.ready();
  return { server, endpoint, client: sdkClientOf(endpoint, KEYS) };
}

/** The status, or the name of what came in its place. */
async function outcomeOf(call: Promise<unknown>): Promise<number | string> {
  try {
    await call;
    return 200;
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return $metadata?.httpStatusCode ?? name;
  }
}

function put(client: S3Client, Key: string, seed: number, sizeBytes: number) {
  const Body = patterned(sizeBytes, seed);
  return outcomeOf(client.send(new PutObjectCommand({ Bucket, Key, Body })));
}

async function isWhole(client: S3Client, Key: string, seed: number, sizeBytes: number) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
  return Buffer.compare(bytes, patterned(sizeBytes, seed)) === 0;
}

test("F44 descriptors run out under load: the process lives, and nothing acknowledged is lost", async ({
  skip,
}) => {
  const { server, client } = await givenServer(await givenFolder());
  const acknowledged = new Map<string, readonly [seed: number, sizeBytes: number]>();
  const write = async (Key: string, seed: number): Promise<number | string> => {
    const sizeBytes = SIZES[seed % SIZES.length] ?? 0;
    const outcome = await put(client, Key, seed, sizeBytes);
    if (outcome === 200) acknowledged.set(Key, [seed, sizeBytes]);
    return outcome;
  };
  for (let index = 0; index < 6; index += 1)
    expect(await write(`before-${index}`, index)).toBe(200);

  const open = readdirSync(`/proc/${server.pid}/fd`).length;
  const limit = `--nofile=${open + 12}:`;
  if (spawnSync(LIMITER, ["--pid", String(server.pid), limit]).status !== 0) {
    console.warn("SKIPPED: descriptors were not short, for there is no prlimit here");
    skip("no prlimit");
  }
  const outcomes: (number | string)[] = [];
  for (let round = 0; round < 4; round += 1) {
    const calls = Array.from({ length: 40 }, (_, index) =>
      write(`short-${round}-${index}`, round * 40 + index),
    );
    outcomes.push(...(await Promise.all(calls)));
  }
  expect(server.child.exitCode, server.output).toBe(null);
  expect(outcomes.some((outcome) => outcome !== 200)).toBe(true);
  // Ours, or none at all: never an answer that says more than is so.
  expect(outcomes.filter((outcome) => outcome === 500 || outcome === 404)).toEqual([]);

  spawnSync(LIMITER, ["--pid", String(server.pid), "--nofile=4096:"]);
  await expect.poll(() => write("after", 2), RECOVERY).toBe(200);
  for (const [Key, [seed, sizeBytes]] of acknowledged) {
    expect(await isWhole(client, Key, seed, sizeBytes), Key).toBe(true);
  }
});

test("F71 two thousand connect at once: each is answered or refused, and then all is well", async () => {
  const { server, endpoint, client } = await givenServer(await givenFolder());
  expect(await put(client, "key", 1, 100)).toBe(200);
  const url = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "key" })));
  const head = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;
  const sockets = Array.from({ length: 2_000 }, () => connect(Number(url.port), url.hostname));
  const answers = await Promise.all(
    sockets.map((socket) => {
      socket.write(head);
      return firstLineOf(socket);
    }),
  );
  for (const socket of sockets) socket.destroy();
  const kinds = new Set(answers);
  kinds.delete("HTTP/1.1 200 OK");
  kinds.delete("HTTP/1.1 503 Service Unavailable");
  expect([...kinds]).toEqual([]);
  expect(server.child.exitCode).toBe(null);
  expect((await fetch(`${endpoint}/_kintsugi/ready`)).status).toBe(200);
  expect(await put(client, "key", 2, 100)).toBe(200);
  expect(await isWhole(client, "key", 2, 100)).toBe(true);
});

async function firstLineOf(socket: Socket): Promise<string> {
  socket.on("error", () => undefined);
  const answer = await Promise.race([once(socket, "data"), once(socket, "close")]);
  return String(answer[0]).split("\r\n")[0] ?? "";
}

test("F18 told to stop amid many uploads: those that go on are finished, the others cut off, none is half there", async () => {
  expect(await findingsOf(stopAmidUploads, 1)).toEqual([]);
});
