// Who has the drives, the log or the answers has neither the bytes of encrypted objects nor any key: every file that the
// server leaves, whatever way an object came in, is searched for both (S97). And keys of clients do not travel in the clear.

import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { expect, onTestFinished, test } from "vitest";
import { startServer, type StartedServer, type StartServerOptions } from "../../src/index.ts";

const WORDS = "what nobody else may ever read ";
const KEY = randomBytes(32);
const CUSTOMER = { SSECustomerAlgorithm: "AES256", SSECustomerKey: KEY.toString("base64") };
const MANAGED = { ServerSideEncryption: "AES256" } as const;

async function givenServer(options: StartServerOptions) {
  const server = await startServer(options);
  onTestFinished(() => server.stop());
  const client = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    maxAttempts: 1,
  });
  onTestFinished(() => client.destroy());
  return { server, client };
}

async function givenFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-sealed-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Objects of every size class, in every way in that can be encrypted. */
async function writeAll(client: S3Client): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: "sealed" }));
  const Bucket = "sealed";
  const put = (Key: string, size: number, more: object) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(size, WORDS), ...more }));
  for (const size of [1_000, 100_000, 2_000_000]) {
    await put(`managed-${size}`, size, MANAGED);
    await put(`customer-${size}`, size, CUSTOMER);
    const CopySource = `${Bucket}/managed-${size}`;
    await client.send(
      new CopyObjectCommand({ Bucket, Key: `copy-${size}`, CopySource, ...CUSTOMER }),
    );
  }
  for (const more of [MANAGED, CUSTOMER]) {
    const params = { Bucket, Key: "upload", Body: Buffer.alloc(6_000_000, WORDS), ...more };
    await new Upload({ client, params }).done();
  }
  await client.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    }),
  );
  await put("by-default", 5_000, {});
}

/** Runs of 16 bytes are enough to be recognised, wherever they are cut. */
const MARKS = ["nobody else may ", "may ever read wh"].map((words) => Buffer.from(words));

function formsOf(key: Buffer): readonly Buffer[] {
  const texts = [key.toString("hex"), key.toString("base64"), key.toString("base64url")];
  return [key, ...texts.map((text) => Buffer.from(text.slice(0, 40)))];
}

test("S97: no file of the server holds the bytes of an encrypted object, a client's key or a master key", async () => {
  const dir = await givenFolder();
  const masterKey = randomBytes(32);
  const { server, client } = await givenServer({ dir, masterKey: masterKey.toString("hex") });
  await writeAll(client);
  const Bucket = "sealed";
  const got = await client.send(new GetObjectCommand({ Bucket, Key: "by-default" }));
  expect((await got.Body?.transformToString())?.startsWith(WORDS)).toBe(true);
  await server.stop();

  const secrets = [...MARKS, ...formsOf(KEY), ...formsOf(masterKey)];
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  let bytesRead = 0;
  for (const { parentPath, name } of files) {
    const bytes = await readFile(join(parentPath, name));
    bytesRead += bytes.length;
    for (const secret of secrets)
      expect(bytes.includes(secret), join(parentPath, name)).toBe(false);
  }
  expect(files.length).toBeGreaterThan(30);
  expect(bytesRead).toBeGreaterThan(20_000_000);
});

test("S97: the same search finds what is not encrypted", async () => {
  const dir = await givenFolder();
  const { server, client } = await givenServer({ dir });
  await client.send(new CreateBucketCommand({ Bucket: "plain" }));
  await client.send(
    new PutObjectCommand({ Bucket: "plain", Key: "key", Body: Buffer.alloc(2_000_000, WORDS) }),
  );
  await server.stop();
  let found = 0;
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    if (MARKS.some((mark) => bytes.includes(mark))) found += 1;
  }
  expect(found).toBeGreaterThanOrEqual(4);
});

/** An address of this machine that is not its loopback. */
function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

async function putWithKey(server: StartedServer, host: string): Promise<string> {
  const client = new S3Client({
    endpoint: `http://${host}:${new URL(server.endpoint).port}`,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
  });
  onTestFinished(() => client.destroy());
  const request = new PutObjectCommand({
    Bucket: "bucket",
    Key: "key",
    Body: "words",
    ...CUSTOMER,
  });
  return client.send(request).then(
    () => "stored",
    (error: Error) => error.message,
  );
}

test.runIf(ownAddress() !== undefined)(
  "a key of a client is taken over plain HTTP from this machine alone",
  async () => {
    const keys = { accessKey: "somebody", secretKey: randomBytes(20).toString("hex") };
    const { server } = await givenServer({ host: "0.0.0.0", buckets: ["bucket"], ...keys });
    expect(await putWithKey(server, "127.0.0.1")).toBe("stored");
    expect(await putWithKey(server, ownAddress() ?? "")).toContain(
      "must be made over a secure connection",
    );
  },
);
