// SigV4 by hand, with every ingredient open to change: what a correct client would send is the starting point from
// which an attack departs.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHash, createHmac } from "node:crypto";

export interface SigningKeys {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface SignInput {
  readonly method: string;
  /** As it goes over the wire. */
  readonly path: string;
  /** As it goes over the wire, without "?". */
  readonly query?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What x-amz-content-sha256 says: a hash or one of its words. */
  readonly payload: string;
  readonly date?: Date;
  readonly region?: string;
  readonly service?: string;
  /** Lower-case names; all of `headers` by default. */
  readonly signedHeaders?: readonly string[];
}

export interface SignedRequest {
  readonly headers: Record<string, string>;
  readonly signature: string;
  readonly scope: string;
  readonly amzDate: string;
  readonly signingKey: Buffer;
}

export const sha256Hex = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");
const hmacSha256 = (key: Buffer | string, text: string) =>
  createHmac("sha256", key).update(text).digest();

function amzDateOf(date: Date): string {
  return date.toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

function signingKeyOf(secretKey: string, day: string, region: string, service: string): Buffer {
  const dateKey = hmacSha256(`AWS4${secretKey}`, day);
  return hmacSha256(hmacSha256(hmacSha256(dateKey, region), service), "aws4_request");
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((param) => (param.includes("=") ? param : `${param}=`))
    .toSorted()
    .join("&");
}

/** Adds date, payload hash and Authorization to the headers. */
export function signV4(keys: SigningKeys, input: SignInput): SignedRequest {
  const { method, path, query = "", payload, date = new Date() } = input;
  const { region = "us-east-1", service = "s3" } = input;
  const amzDate = amzDateOf(date);
  const headers: Record<string, string> = {
    "x-amz-date": amzDate,
    "x-amz-content-sha256": payload,
    ...input.headers,
  };
  const names = input.signedHeaders ?? Object.keys(headers);
  const signed = names.map((name) => name.toLowerCase()).toSorted();
  const canonical = [
    method,
    path,
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${headers[name] ?? ""}`),
    "",
    signed.join(";"),
    payload,
  ].join("\n");
  const scope = `${amzDate.slice(0, 8)}/${region}/${service}/aws4_request`;
  const signingKey = signingKeyOf(keys.secretKey, amzDate.slice(0, 8), region, service);
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256Hex(canonical)}`;
  const signature = hmacSha256(signingKey, toSign).toString("hex");
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${keys.accessKey}/${scope}, SignedHeaders=${signed.join(";")}, Signature=${signature}`;
  return { headers, signature, scope, amzDate, signingKey };
}

export interface PresignInput {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly expires?: string;
  readonly date?: Date;
  /** Already encoded, added to the query. */
  readonly query?: Readonly<Record<string, string>>;
}

/** The query string of a presigned URL. */
export function presignV4(keys: SigningKeys, input: PresignInput): string {
  const amzDate = amzDateOf(input.date ?? new Date());
  const scope = `${amzDate.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const params = {
    ...input.query,
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": encodeURIComponent(`${keys.accessKey}/${scope}`),
    "X-Amz-Date": amzDate,
    "X-Amz-Expires": input.expires ?? "900",
    "X-Amz-SignedHeaders": "host",
  };
  const query = Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join("&");
  const canonical = `${input.method}\n${input.path}\n${query}\nhost:${input.host}\n\nhost\nUNSIGNED-PAYLOAD`;
  const key = signingKeyOf(keys.secretKey, amzDate.slice(0, 8), "us-east-1", "s3");
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256Hex(canonical)}`;
  return `${query}&X-Amz-Signature=${hmacSha256(key, toSign).toString("hex")}`;
}

/** The signed chunks of an aws-chunked body, the final empty one included, as `size;chunk-signature=...` frames. */
export function signedChunks(seed: SignedRequest, chunks: readonly Buffer[]): Buffer[] {
  let previous = seed.signature;
  return [...chunks, Buffer.alloc(0)].map((chunk) => {
    const toSign = [
      "AWS4-HMAC-SHA256-PAYLOAD",
      seed.amzDate,
      seed.scope,
      previous,
      sha256Hex(""),
      sha256Hex(chunk),
    ].join("\n");
    previous = hmacSha256(seed.signingKey, toSign).toString("hex");
    const head = `${chunk.length.toString(16)};chunk-signature=${previous}\r\n`;
    return Buffer.concat([Buffer.from(head), chunk, Buffer.from("\r\n")]);
  });
}

/** The bytes of a request: head and body. Headers are sent in order, as given. */
export function wireBytes(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  body: Buffer | string = "",
): Buffer {
  const entries = Array.isArray(headers) ? headers : Object.entries(headers);
  const lines = entries.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, "latin1"),
    Buffer.from(body),
  ]);
}
