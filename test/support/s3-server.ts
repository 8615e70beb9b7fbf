// The one place where tests of the S3 face get their server: `startS3()` gives the test a bucket of its own, named
// after it, on a server that the tests of a file share and that ends with them.

import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type {
  CompletedPart,
  CreateMultipartUploadCommandInput,
  PutObjectCommandInput,
  UploadPartCommandInput,
} from "@aws-sdk/client-s3";
import { expect } from "vitest";
import { startServer, type StartedServer } from "../../src/index.ts";
import { atFileEnd } from "./at-file-end.ts";
import { sendRaw } from "./raw-http.ts";
import type { RawAnswer } from "./raw-http.ts";
import { sha256Hex, signV4, wireBytes } from "./signing.ts";

interface RawRequest {
  readonly method: string;
  /** Below the bucket, percent-encoded, with the query: `key?partNumber=1`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Another bucket than the test's. */
  readonly bucket?: string;
  /** `x-amz-content-sha256`, where it is not the hash of the body. */
  readonly payload?: string;
}

export interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

export interface S3Lab {
  readonly client: S3Client;
  /** A client of another account. */
  readonly stranger: S3Client;
  /** Empty, and of this test alone. */
  readonly bucket: string;
  readonly endpoint: string;
  /** Another bucket of the same account, or of the given client's. */
  readonly givenBucket: (owner?: S3Client) => Promise<string>;
  /** Resolves to the ETag, with its quotes. */
  readonly givenObject: (
    key: string,
    body?: Uint8Array | string,
    more?: Partial<PutObjectCommandInput>,
  ) => Promise<string>;
  readonly givenUpload: (
    key: string,
    more?: Partial<CreateMultipartUploadCommandInput>,
  ) => Promise<Upload>;
  readonly givenPart: (
    upload: Upload,
    number: number,
    body: Uint8Array | string,
    more?: Partial<UploadPartCommandInput>,
  ) => Promise<CompletedPart>;
  /** An object of these parts. Resolves to its ETag, with its quotes. */
  readonly givenMultipart: (
    key: string,
    parts: readonly (Uint8Array | string)[],
    more?: Partial<CreateMultipartUploadCommandInput>,
  ) => Promise<string>;
  /** Signs and sends what the SDK would not. */
  readonly send: (request: RawRequest) => Promise<RawAnswer>;
}

export const MIB = 1024 * 1024;
/** The smallest part that may stand before another. */
export const PART_BYTES = 5 * MIB;
/** Keys that a careless server would change, merge or lose. */
export const ODD_KEYS = [
  "a//b",
  "../x",
  "./y",
  "%2F",
  "plus+plus",
  "blank space",
  "trailing/",
  "a",
  "a/b",
  "ключ/🏺",
  "e\u0301 and \u00e9",
  "q?versionId=1&x=2#y",
  "<&>\"'",
  "line\nbreak",
  "__proto__",
  "back\\slash",
] as const;

const STRANGER = {
  accessKey: "STRANGERACCESSKEY000",
  secretKey: "stranger-secret-key-of-this-test",
};

let running: Promise<StartedServer> | undefined;
let buckets = 0;

export async function startS3(): Promise<S3Lab> {
  running ??= startForFile();
  const server = await running;
  const keys = { accessKey: server.accessKey, secretKey: server.secretKey };
  const client = connect(server.endpoint, keys);
  const stranger = connect(server.endpoint, STRANGER);
  const givenBucket = async (owner = client) => {
    const Bucket = nextBucketName();
    await owner.send(new CreateBucketCommand({ Bucket }));
    return Bucket;
  };
  const bucket = await givenBucket();
  const send = (request: RawRequest) => sendSigned(server.endpoint, keys, { bucket, ...request });
  const given = givens(client, bucket);
  return { client, stranger, bucket, endpoint: server.endpoint, givenBucket, send, ...given };
}

async function startForFile(): Promise<StartedServer> {
  const server = await startServer({ users: [{ name: "stranger", ...STRANGER }] });
  atFileEnd(async () => {
    running = undefined;
    await server.stop();
  });
  return server;
}

/** What a client gets for an error: its code and its status. */
export async function refusal(
  request: Promise<unknown>,
): Promise<{ readonly code: string; readonly status: number | undefined }> {
  try {
    await request;
  } catch (error) {
    const { name, $metadata } = error as {
      name: string;
      $metadata?: { httpStatusCode?: number };
    };
    return { code: name, status: $metadata?.httpStatusCode };
  }
  throw new Error("the request was expected to fail");
}

/** The status of the answer, whichever way it went. */
export async function statusOf(
  request: Promise<{ readonly $metadata: { readonly httpStatusCode?: number | undefined } }>,
): Promise<number | undefined> {
  try {
    return (await request).$metadata.httpStatusCode;
  } catch (error) {
    return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  }
}

/** S3's order of keys, for sorting. */
export function byUtf8(a: string | undefined, b: string | undefined): number {
  return Buffer.compare(Buffer.from(a ?? ""), Buffer.from(b ?? ""));
}

/** Bytes that differ at every offset of a few megabytes, so that a shifted range shows. */
export function patterned(sizeBytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let index = 0; index < words.length; index += 1) {
    words[index] = Math.imul(index + 1, 2_654_435_761) ^ seed;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

function connect(
  endpoint: string,
  { accessKey, secretKey }: { readonly accessKey: string; readonly secretKey: string },
): S3Client {
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
}

function nextBucketName(): string {
  const title = expect.getState().currentTestName ?? "test";
  const slug = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  buckets += 1;
  return `t${buckets}-${slug}`.slice(0, 48).replace(/-+$/, "");
}

function givens(
  client: S3Client,
  Bucket: string,
): Pick<S3Lab, "givenMultipart" | "givenObject" | "givenPart" | "givenUpload"> {
  const givenUpload: S3Lab["givenUpload"] = async (Key, more) => {
    const command = new CreateMultipartUploadCommand({ Bucket, Key, ...more });
    const { UploadId = "" } = await client.send(command);
    return { Bucket, Key, UploadId };
  };
  const givenPart: S3Lab["givenPart"] = async (upload, PartNumber, Body, more) => {
    const { $metadata: _, ...part } = await client.send(
      new UploadPartCommand({ ...upload, PartNumber, Body, ...more }),
    );
    return { ...part, PartNumber };
  };
  return {
    givenUpload,
    givenPart,
    givenObject: async (Key, Body = "body", more) => {
      const put = new PutObjectCommand({ Bucket, Key, Body, ...more });
      return (await client.send(put)).ETag ?? "";
    },
    givenMultipart: async (key, bodies, more) => {
      const upload = await givenUpload(key, more);
      const Parts: CompletedPart[] = [];
      for (const [index, body] of bodies.entries()) {
        const ChecksumAlgorithm = more?.ChecksumAlgorithm;
        Parts.push(await givenPart(upload, index + 1, body, { ChecksumAlgorithm }));
      }
      const complete = { ...upload, MultipartUpload: { Parts } };
      return (await client.send(new CompleteMultipartUploadCommand(complete))).ETag ?? "";
    },
  };
}

async function sendSigned(
  endpoint: string,
  keys: { readonly accessKey: string; readonly secretKey: string },
  { bucket = "", method, path, headers = {}, body = "", payload }: RawRequest,
): Promise<RawAnswer> {
  const { host, port } = new URL(endpoint);
  const [rawPath = "", query = ""] = path.split(/\?(.*)/s);
  const target = `/${bucket}${rawPath === "" ? "" : `/${rawPath}`}`;
  const length = Buffer.byteLength(body);
  const signed = signV4(keys, {
    method,
    path: target,
    query,
    payload: payload ?? sha256Hex(body),
    headers: { host, ...headers, ...(length > 0 ? { "content-length": String(length) } : {}) },
  });
  const url = query === "" ? target : `${target}?${query}`;
  return sendRaw(Number(port), wireBytes(method, url, signed.headers, body), {
    isHead: method === "HEAD",
  });
}
