// aws-sdk-js v3 (client, lib-storage, presigner), from our own development dependencies, and minio-js, installed for the
// one run into the check's folder.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
  type CheckContext,
  type ClientCheck,
  givenFile,
  MIB,
  assertSameFile,
} from "./client-check.ts";

function assertBytes(found: Uint8Array, wanted: Uint8Array, what: string): void {
  if (!Buffer.from(found).equals(wanted)) throw new Error(`${what}: the bytes differ`);
}

async function checkAwsSdk({ endpoint, accessKey, secretKey, bucket }: CheckContext) {
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  const body = randomBytes(300_001);
  const target = { Bucket: bucket, Key: "sdk/😀 a+b//c" };
  await client.send(new PutObjectCommand({ ...target, Body: body }));
  const got = await client.send(new GetObjectCommand(target));
  assertBytes((await got.Body?.transformToByteArray()) ?? new Uint8Array(), body, "GetObject");

  const large = randomBytes(23 * MIB + 5);
  const params = { Bucket: bucket, Key: "sdk/large", Body: Readable.from([large]) };
  await new Upload({ client, params }).done();
  const back = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "sdk/large" }));
  assertBytes((await back.Body?.transformToByteArray()) ?? new Uint8Array(), large, "lib-storage");

  const putUrl = await getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: "url" }));
  const put = await fetch(putUrl, { method: "PUT", body });
  if (!put.ok) throw new Error(`presigned PUT: ${put.status} ${await put.text()}`);
  const getUrl = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: "url" }));
  assertBytes(new Uint8Array(await (await fetch(getUrl)).arrayBuffer()), body, "presigned GET");

  // Virtual-host style, where *.localhost resolves.
  const { port } = new URL(endpoint);
  const virtual = new S3Client({
    endpoint: `http://localhost:${port}`,
    credentials,
    region: "us-east-1",
  });
  try {
    const found = await virtual.send(new GetObjectCommand(target));
    assertBytes(
      (await found.Body?.transformToByteArray()) ?? new Uint8Array(),
      body,
      "virtual host",
    );
  } catch (error) {
    if (!/ENOTFOUND|EAI_AGAIN/.test(String(error))) throw error;
  }
}

const awsSdk: ClientCheck = {
  name: "aws-sdk-js v3 (client, lib-storage, presigner)",
  probe: ["node", "--version"],
  check: checkAwsSdk,
};

interface MinioClient {
  fPutObject(bucket: string, key: string, path: string): Promise<unknown>;
  fGetObject(bucket: string, key: string, path: string): Promise<void>;
  presignedGetObject(bucket: string, key: string): Promise<string>;
  statObject(bucket: string, key: string): Promise<{ readonly size: number }>;
  removeObject(bucket: string, key: string): Promise<void>;
}

const minioJs: ClientCheck = {
  name: "minio-js",
  probe: ["npm", "--version"],
  async check({ endpoint, accessKey, secretKey, bucket, folder, run }) {
    writeFileSync(join(folder, "package.json"), "{}");
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, "minio"]);
    const { Client } = createRequire(join(folder, "package.json"))("minio") as {
      Client: new (options: object) => MinioClient;
    };
    const { hostname, port } = new URL(endpoint);
    const access = { endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey };
    const client = new Client(access);
    for (const [key, size] of [
      ["small", 5_000],
      ["dir/large ü", 70 * MIB + 3],
    ] as const) {
      const file = givenFile(join(folder, "in"), size);
      await client.fPutObject(bucket, key, file);
      await client.fGetObject(bucket, key, join(folder, "out"));
      assertSameFile(file, join(folder, "out"));
      const url = await client.presignedGetObject(bucket, key);
      const fetched = new Uint8Array(await (await fetch(url)).arrayBuffer());
      assertBytes(fetched, readFileSync(file), "presigned");
      if ((await client.statObject(bucket, key)).size !== size) throw new Error("statObject: size");
      await client.removeObject(bucket, key);
    }
  },
};

export const javascriptClients: readonly ClientCheck[] = [awsSdk, minioJs];
