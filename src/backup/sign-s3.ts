// Signature V4 for requests to S3, as a client makes it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHash, createHmac } from "node:crypto";

export interface S3Key {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of keys that are lent for a while. */
  readonly sessionToken: string | undefined;
}

export interface S3Call {
  readonly method: "GET" | "PUT";
  /** Host, and the port where it is not the usual one. */
  readonly host: string;
  /** Segments, not encoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  /** In small letters; signed, all of them. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, in hex. */
  readonly payloadHash: string;
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export interface SignedCall {
  /** Path and query, as they are sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

export const EMPTY_HASH = createHash("sha256").digest("hex");

export function signS3(key: S3Key, call: S3Call): SignedCall {
  const { method, host, payloadHash, region, nowMs } = call;
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const path = `/${call.path.map(encode).join("/")}`;
  const query = Object.entries(call.query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");
  const headers: Record<string, string> = {
    ...call.headers,
    host,
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": time,
    ...(key.sessionToken === undefined ? {} : { "x-amz-security-token": key.sessionToken }),
  };
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => `${name}:${headers[name] ?? ""}\n`).join("");
  const signed = names.join(";");
  const canonical = [method, path, query, lines, signed, payloadHash].join("\n");
  const scope = [time.slice(0, 8), region, "s3", "aws4_request"];
  const hash = createHash("sha256").update(canonical).digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", time, scope.join("/"), hash].join("\n");
  const secret = scope.reduce(
    (before, step) => createHmac("sha256", before).update(step).digest(),
    Buffer.from(`AWS4${key.secretKey}`),
  );
  const signature = createHmac("sha256", secret).update(toSign).digest("hex");
  const credential = `${key.accessKey}/${scope.join("/")}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
  return {
    target: query === "" ? path : `${path}?${query}`,
    headers: { ...headers, authorization },
  };
}

/** As S3 wants it: all but letters, digits and -._~ by their bytes. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
