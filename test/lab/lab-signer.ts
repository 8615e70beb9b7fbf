// SigV4 for the load: what a correct client sends, with the key of the day and the text of the second kept. What departs
// from that is for test/support/signing.ts.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

import { createHmac, hash } from "node:crypto";
import type { SigningKeys } from "../support/signing.ts";

const REGION = "us-east-1";
const PAYLOAD = "UNSIGNED-PAYLOAD";

export interface Signable {
  readonly method: string;
  /** As it goes over the wire. */
  readonly path: string;
  /** As it goes over the wire, without "?". */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export class LabSigner {
  readonly #keys: SigningKeys;
  #second = 0;
  #amzDate = "";
  #scope = "";
  #signingKey: Buffer = Buffer.alloc(0);

  constructor(keys: SigningKeys) {
    this.#keys = keys;
  }

  /** The lines of the request's head: the given headers, and those that sign them. */
  linesFor({ method, path, query, headers }: Signable): string {
    this.#setTime();
    const all = Object.entries({
      ...headers,
      "x-amz-content-sha256": PAYLOAD,
      "x-amz-date": this.#amzDate,
    }).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const names = all.map(([name]) => name).join(";");
    const rows = all.map(([name, value]) => `${name}:${value}\n`).join("");
    const canonical = `${method}\n${path}\n${canonicalQuery(query)}\n${rows}\n${names}\n${PAYLOAD}`;
    const toSign = `AWS4-HMAC-SHA256\n${this.#amzDate}\n${this.#scope}\n${hash("sha256", canonical)}`;
    const signature = createHmac("sha256", this.#signingKey).update(toSign).digest("hex");
    const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return (
      `${lines}authorization: AWS4-HMAC-SHA256 Credential=${this.#keys.accessKey}/${this.#scope}, ` +
      `SignedHeaders=${names}, Signature=${signature}\r\n`
    );
  }

  #setTime(): void {
    const second = Math.floor(Date.now() / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.#amzDate = new Date(second * 1_000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const day = this.#amzDate.slice(0, 8);
    const scope = `${day}/${REGION}/s3/aws4_request`;
    if (scope === this.#scope) return;
    this.#scope = scope;
    const parts = [day, REGION, "s3", "aws4_request"];
    const first = Buffer.from(`AWS4${this.#keys.secretKey}`);
    this.#signingKey = parts.reduce<Buffer>(
      (key, part) => createHmac("sha256", key).update(part).digest(),
      first,
    );
  }
}

function canonicalQuery(query: string): string {
  if (!query.includes("&")) return query === "" || query.includes("=") ? query : `${query}=`;
  return query
    .split("&")
    .map((param) => (param.includes("=") ? param : `${param}=`))
    .toSorted()
    .join("&");
}
