// startServer: the server inside the caller's own process. Several at once, fresh state by reset, time travel, and
// nothing left behind.

import { existsSync, readdirSync } from "node:fs";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { expect, onTestFinished, test, vi } from "vitest";
import { startServer, type StartedServer, type StartServerOptions } from "../../src/index.ts";
import { sdkClientOf, type Keys } from "../support/sdk-client.ts";
import { givenFolder } from "../support/kintsugi-process.ts";

async function given(options: StartServerOptions = {}): Promise<StartedServer> {
  const server = await startServer(options);
  onTestFinished(() => server.stop());
  return server;
}

const clientOf = (server: StartedServer, keys: Keys = server, region?: string): S3Client =>
  sdkClientOf(server.endpoint, keys, region);

async function bucketsOf(client: S3Client): Promise<readonly (string | undefined)[]> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  return Buckets.map(({ Name }) => Name);
}

/** From now on temporary folders are made where nobody else makes any. */
async function givenOwnTemporaryFolder(): Promise<() => readonly string[]> {
  const folder = await givenFolder();
  vi.stubEnv("TMPDIR", folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  return () => readdirSync(folder);
}

const WATCHED = ["SIGINT", "SIGTERM", "uncaughtException", "unhandledRejection", "exit"];
const listenerCounts = () => WATCHED.map((name) => process.listenerCount(name));

test("without options it serves on a free port of loopback, with keys of its own", async () => {
  const server = await given();
  expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(server.accessKey).toMatch(/^KTG[A-Z2-7]{17}$/);
  expect(server.secretKey).toMatch(/^[A-Za-z0-9_-]{40}$/);
  expect(await bucketsOf(clientOf(server))).toEqual([]);
});

test("several in one process know nothing of each other", async () => {
  const [one, two, three] = await Promise.all([given(), given(), given()]);
  const clients = [clientOf(one), clientOf(two), clientOf(three)];
  await Promise.all(
    clients.map((client, at) => client.send(new CreateBucketCommand({ Bucket: `bucket-${at}` }))),
  );
  expect(await Promise.all(clients.map(bucketsOf))).toEqual([
    ["bucket-0"],
    ["bucket-1"],
    ["bucket-2"],
  ]);
  await expect(bucketsOf(clientOf(one, two))).rejects.toMatchObject({ name: "InvalidAccessKeyId" });
});

test("the given keys, buckets and region hold", async () => {
  const keys = { accessKey: "test", secretKey: "test" };
  const server = await given({
    ...keys,
    buckets: ["one", "two"].map((name) => `${name}-bucket`),
    region: "eu-1",
  });
  expect(server).toMatchObject(keys);
  expect(await bucketsOf(clientOf(server, keys, "eu-1"))).toEqual(["one-bucket", "two-bucket"]);
  await expect(bucketsOf(clientOf(server, keys, "us-east-1"))).rejects.toMatchObject({
    name: "AuthorizationHeaderMalformed",
  });
});

test("each user is an account, whose buckets are closed to the others", async () => {
  const users = [
    { name: "ann", accessKey: "ann-key", secretKey: "ann-secret", displayName: "Ann A." },
    { name: "bob", accessKey: "bob-key", secretKey: "bob-secret", id: "bob-id" },
  ];
  const server = await given({ users });
  const [ann, bob] = users.map((user) => clientOf(server, user));
  await ann?.send(new CreateBucketCommand({ Bucket: "of-ann" }));
  const listing = ann?.send(new ListBucketsCommand({}));
  await expect(listing).resolves.toMatchObject({ Owner: { DisplayName: "Ann A." } });
  await expect(bob?.send(new ListBucketsCommand({}))).resolves.toMatchObject({
    Owner: { ID: "bob-id", DisplayName: "bob" },
    Buckets: [],
  });
  const peeking = bob?.send(new ListObjectsV2Command({ Bucket: "of-ann" }));
  await expect(peeking).rejects.toMatchObject({ name: "AccessDenied" });
});

test("reset leaves the configured buckets, empty, and nothing else", async () => {
  const server = await given({ buckets: ["configured"] });
  const client = clientOf(server);
  await client.send(new CreateBucketCommand({ Bucket: "made-later" }));
  const Body = "x".repeat(100_000);
  await client.send(new PutObjectCommand({ Bucket: "configured", Key: "a", Body }));
  await client.send(new PutObjectCommand({ Bucket: "made-later", Key: "b", Body: "small" }));
  await server.clock.advance({ days: 1 });

  await server.reset();

  expect(Math.abs(server.clock.now() - Date.now())).toBeLessThan(60_000);
  expect(await bucketsOf(client)).toEqual(["configured"]);
  const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: "configured" }));
  expect(KeyCount).toBe(0);
  await client.send(new PutObjectCommand({ Bucket: "configured", Key: "a", Body: "again" }));
});

test("time travel: a presigned URL expires, and requests signed afterwards are fresh", async () => {
  const server = await given({ buckets: ["travel"] });
  const client = clientOf(server);
  const object = { Bucket: "travel", Key: "a" };
  await client.send(new PutObjectCommand({ ...object, Body: "hello" }));
  const sign = () => getSignedUrl(client, new GetObjectCommand(object), { expiresIn: 3_600 });
  const url = await sign();
  expect((await fetch(url)).status).toBe(200);

  const before = server.clock.now();
  await server.clock.advance({ hours: 2 });
  expect(server.clock.now() - before).toBeGreaterThanOrEqual(2 * 3_600_000);

  const late = await fetch(url);
  expect(late.status).toBe(403);
  expect(await late.text()).toContain("Request has expired");
  expect((await fetch(await sign())).status).toBe(200);
  const { Body } = await client.send(new GetObjectCommand(object));
  expect(await Body?.transformToString()).toBe("hello");
});

test("stop ends the server, removes its folder, and may be repeated", async () => {
  const folders = await givenOwnTemporaryFolder();
  const server = await startServer();
  expect(folders()).toEqual([expect.stringMatching(/^kintsugi-/)]);
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
  expect(folders()).toEqual([]);
  await expect(fetch(server.endpoint)).rejects.toThrow("fetch failed");
});

test("with a folder of the caller's everything is there again at the next start", async () => {
  const dir = await givenFolder();
  const first = await startServer({ dir, drives: 4 });
  const object = { Bucket: "kept", Key: "a" };
  await clientOf(first).send(new CreateBucketCommand({ Bucket: "kept" }));
  await clientOf(first).send(new PutObjectCommand({ ...object, Body: "x".repeat(70_000) }));
  await first.stop();
  expect(readdirSync(dir).toSorted()).toEqual(["drive-1", "drive-2", "drive-3", "drive-4"]);

  const second = await given({ dir });
  expect(second).toMatchObject({ accessKey: first.accessKey, secretKey: first.secretKey });
  const { Body } = await clientOf(second).send(new GetObjectCommand(object));
  expect(await Body?.transformToString()).toBe("x".repeat(70_000));
});

test("a folder in use is refused, and its server goes on", async () => {
  const dir = await givenFolder();
  const server = await given({ dir });
  await expect(startServer({ dir })).rejects.toThrow(/in use by another process/);
  expect(await bucketsOf(clientOf(server))).toEqual([]);
});

test("a start that fails leaves nothing behind", async () => {
  const taken = await given();
  const folders = await givenOwnTemporaryFolder();
  const port = Number(new URL(taken.endpoint).port);
  await expect(startServer({ port })).rejects.toThrow(/EADDRINUSE/);
  expect(folders()).toEqual([]);
});

test("it takes no signal, and no other process-wide thing, for itself", async () => {
  const before = listenerCounts();
  const server = await given();
  expect(listenerCounts()).toEqual(before);
  await server.stop();
  expect(listenerCounts()).toEqual(before);
});

test.each([
  [{ port: -1 }, /startServer: port must be/],
  [{ drives: 0 }, /startServer: drives must be/],
  [{ accessKey: "only-this" }, /accessKey and secretKey go together/],
  [{ buckets: ["No"] }, /startServer: buckets must be bucket names/],
  [{ users: [{ name: "a", accessKey: "b", secretKey: "c" }] }, /users user 1: accessKey must/],
  [{ host: "0.0.0.0", accessKey: "minioadmin", secretKey: "minioadmin" }, /everybody knows/],
])("the option %j is refused in words", async (options, words) => {
  await expect(startServer(options)).rejects.toThrow(words);
});

test("a misspelled option is refused with the nearest one", async () => {
  const misspelled: object = { acessKey: "x" };
  await expect(startServer(misspelled)).rejects.toThrow(/acessKey \(did you mean accessKey\?\)/);
});

test("with one drive objects are kept without redundancy", async () => {
  const dir = await givenFolder();
  const server = await given({ dir, drives: 1, buckets: ["single"] });
  const client = clientOf(server);
  const object = { Bucket: "single", Key: "a" };
  await client.send(new PutObjectCommand({ ...object, Body: "y".repeat(300_000) }));
  const { Body } = await client.send(new GetObjectCommand(object));
  expect(await Body?.transformToString()).toBe("y".repeat(300_000));
  expect(existsSync(`${dir}/drive-2`)).toBe(false);
});
