// Where hostile requests are tried: a real server with two accounts, a bucket with one object that must stay as it is,
// and a bucket of the other account. After each attack the state is compared with what it was before.

import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { startServer } from "../../src/index.ts";
import { type RawAnswer, type RawOptions, sendRaw } from "../support/raw-http.ts";
import {
  presignV4,
  sha256Hex,
  type SignedRequest,
  type SigningKeys,
  signV4,
  wireBytes,
} from "../support/signing.ts";

export const VICTIM = "victim-bucket";
export const OTHERS = "others-bucket";
export const KEPT = "kept";
const KEPT_BYTES = "these bytes stay";

export interface SendOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly body?: Buffer | string;
  /** Added to host and, where there is a body, content-length. All are signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
  readonly date?: Date;
  readonly region?: string;
  readonly service?: string;
  readonly signedHeaders?: readonly string[];
  readonly keys?: SigningKeys;
  /** Changes the headers after signing. */
  readonly tamper?: (headers: Record<string, string>) => void;
  readonly raw?: RawOptions;
}

export interface AttackLab {
  readonly port: number;
  readonly host: string;
  readonly keys: SigningKeys;
  readonly otherKeys: SigningKeys;
  readonly client: S3Client;
  /** Signs and sends. */
  readonly send: (options: SendOptions) => Promise<RawAnswer>;
  readonly sign: (options: SendOptions) => SignedRequest;
  /** A presigned request-target. */
  readonly presign: (options: PresignOptions) => string;
  readonly sendBytes: (bytes: Buffer | string, options?: RawOptions) => Promise<RawAnswer>;
  /** Everything that a client could see: buckets, keys with ETags, the kept bytes, uploads. */
  readonly state: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export interface PresignOptions {
  readonly method: string;
  readonly path: string;
  readonly expires?: string;
  readonly date?: Date;
  readonly query?: Readonly<Record<string, string>>;
  readonly host?: string;
}

export async function startAttackLab(): Promise<AttackLab> {
  const otherKeys = { accessKey: "OTHERACCESSKEY000001", secretKey: "other-secret-key-0123456789" };
  const server = await startServer({ users: [{ name: "other", ...otherKeys }] });
  const { accessKey, secretKey, endpoint } = server;
  const keys = { accessKey, secretKey };
  const port = Number(new URL(endpoint).port);
  const host = `127.0.0.1:${port}`;
  const clientOf = (with_: SigningKeys) =>
    new S3Client({
      endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: with_.accessKey, secretAccessKey: with_.secretKey },
    });
  const client = clientOf(keys);
  const other = clientOf(otherKeys);
  await client.send(new CreateBucketCommand({ Bucket: VICTIM }));
  await client.send(new PutObjectCommand({ Bucket: VICTIM, Key: KEPT, Body: KEPT_BYTES }));
  await other.send(new CreateBucketCommand({ Bucket: OTHERS }));
  await other.send(new PutObjectCommand({ Bucket: OTHERS, Key: "secret", Body: "not yours" }));

  const sign = (options: SendOptions) => {
    const { body = "", payload = sha256Hex(Buffer.from(body)), headers = {} } = options;
    const length = Buffer.byteLength(body);
    const withLength = length > 0 ? { "content-length": String(length) } : {};
    return signV4(options.keys ?? keys, {
      ...options,
      payload,
      headers: { host, ...withLength, ...headers },
    });
  };
  return {
    port,
    host,
    keys,
    otherKeys,
    client,
    sign,
    send(options) {
      const { headers } = sign(options);
      options.tamper?.(headers);
      const target =
        options.query === undefined ? options.path : `${options.path}?${options.query}`;
      const bytes = wireBytes(options.method, target, headers, options.body ?? "");
      return sendRaw(port, bytes, { isHead: options.method === "HEAD", ...options.raw });
    },
    presign: (options) => `${options.path}?${presignV4(keys, { host, ...options })}`,
    sendBytes: (bytes, options) => sendRaw(port, bytes, options),
    async state() {
      const { Buckets } = await client.send(new ListBucketsCommand({}));
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: VICTIM }));
      const { Contents: others } = await other.send(new ListObjectsV2Command({ Bucket: OTHERS }));
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: VICTIM }));
      const kept = await client.send(new GetObjectCommand({ Bucket: VICTIM, Key: KEPT }));
      return {
        buckets: Buckets?.map((bucket) => bucket.Name),
        objects: Contents?.map((object) => [object.Key, object.ETag, object.Size]),
        others: others?.map((object) => [object.Key, object.ETag]),
        uploads: Uploads?.length ?? 0,
        kept: await kept.Body?.transformToString(),
        metadata: kept.Metadata,
      };
    },
    async stop() {
      client.destroy();
      other.destroy();
      await server.stop();
    },
  };
}
