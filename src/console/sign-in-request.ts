// The headers of the request that signs a browser in: Signature V4 by the root key, for the service `kintsugi`. The secret
// key goes into the signature and nowhere else. Pure.

import { bytesOf, hexOf, hmacSha256, sha256 } from "./sha256.ts";

const REGION = "us-east-1";
const SERVICE = "kintsugi";

export const SESSION_PATH = "/v1/session";

export interface SignInParts {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Host and port, as the browser sends them. */
  readonly host: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly now: number;
  /** Never the same twice. */
  readonly nonce: string;
}

/** All but Host, which the browser adds. */
export function signInHeaders(parts: SignInParts): Record<string, string> {
  const { accessKey, secretKey, host, now, nonce } = parts;
  const amzDate = new Date(now).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const date = amzDate.slice(0, 8);
  const payloadHash = hashOf("");
  const headers: Record<string, string> = {
    "x-amz-client-nonce": nonce,
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": amzDate,
  };
  const signed = Object.entries({ host, ...headers });
  const names = signed.map(([name]) => name).join(";");
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join("");
  const canonical = `POST\n${SESSION_PATH}\n\n${lines}\n${names}\n${payloadHash}`;
  const scope = `${date}/${REGION}/${SERVICE}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${hashOf(canonical)}`;
  const signingKey = [date, REGION, SERVICE, "aws4_request"].reduce(
    hmacSha256,
    bytesOf(`AWS4${secretKey}`),
  );
  const signature = hexOf(hmacSha256(signingKey, toSign));
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function hashOf(text: string): string {
  return hexOf(sha256(bytesOf(text)));
}
