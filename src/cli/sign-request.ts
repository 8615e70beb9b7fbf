// Signature V4 as a client makes it, for requests to the admin API: built from the same canonical request that servers check.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHash, randomBytes } from "node:crypto";
import { renderAmzDate } from "../auth/amz-date.ts";
import { signingKey } from "../auth/signing-key.ts";
import { canonicalRequests } from "../auth/sigv4-canonical.ts";

/** What the admin API's signatures are for. */
const SERVICE = "kintsugi";
/** The admin API takes any. */
const REGION = "us-east-1";
const NONCE_BYTES = 12;

export interface RootKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface UnsignedRequest {
  readonly method: "GET" | "POST";
  /** Host and port, as the Host header says them. */
  readonly host: string;
  /** Plain: nothing in it that would need encoding. */
  readonly path: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** All headers to send but content-length. */
export function signRequest(key: RootKey, request: UnsignedRequest): Record<string, string> {
  const amzDate = renderAmzDate(request.now);
  const payloadHash = createHash("sha256").update(request.body).digest("hex");
  const headers: Record<string, string> = {
    host: request.host,
    // Two requests for the same in one second are two requests, and not one that was recorded and sent again.
    "x-amz-client-nonce": randomBytes(NONCE_BYTES).toString("hex"),
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": amzDate,
  };
  const signedHeaders = Object.keys(headers).toSorted();
  const date = amzDate.slice(0, 8);
  const scopeText = `${date}/${REGION}/${SERVICE}/aws4_request`;
  const [canonical = ""] = canonicalRequests(
    { request: wireRequestOf(request, headers), signedHeaders, payloadHash },
    [request.host],
  );
  const hash = createHash("sha256").update(canonical, "latin1").digest("hex");
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scopeText}\n${hash}`;
  const secret = signingKey(key, { date, region: REGION, service: SERVICE });
  const signature = secret.hexOf(toSign);
  const credential = `${key.accessKey}/${scopeText}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`,
  };
}

function wireRequestOf({ method, path }: UnsignedRequest, headers: Record<string, string>) {
  return {
    method,
    rawPath: path,
    rawQuery: "",
    query: [],
    headers: new Map(Object.entries(headers)),
    rawHeaders: [],
  };
}
