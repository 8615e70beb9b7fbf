// Presigned URLs for the load generator: Signature V4 in the query, made by hand so that the client costs little.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { createHash, createHmac } from "node:crypto";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export interface PresignRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

const hmac = (key: Buffer | string, text: string) =>
  createHmac("sha256", key).update(text).digest();

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Signs for one target; derives the signing key once. */
export class Presigner {
  readonly #target: Target;
  readonly #date: string;
  readonly #scope: string;
  readonly #key: Buffer;
  /** The signed query of a request that has no other. */
  readonly #bareParams: string;

  constructor(target: Target) {
    this.#target = target;
    this.#date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const day = this.#date.slice(0, 8);
    this.#scope = `${day}/${target.region}/s3/aws4_request`;
    const dateKey = hmac(`AWS4${target.secretKey}`, day);
    this.#key = hmac(hmac(hmac(dateKey, target.region), "s3"), "aws4_request");
    this.#bareParams = this.#params({});
  }

  get host(): string {
    return `${this.#target.host}:${this.#target.port}`;
  }

  /** The request-target to send: path and signed query. */
  sign({ method, path, query }: PresignRequest): string {
    const params = query ? this.#params(query) : this.#bareParams;
    const canonical = `${method}\n${path}\n${params}\nhost:${this.host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const digest = createHash("sha256").update(canonical).digest("hex");
    const toSign = `AWS4-HMAC-SHA256\n${this.#date}\n${this.#scope}\n${digest}`;
    return `${path}?${params}&X-Amz-Signature=${hmac(this.#key, toSign).toString("hex")}`;
  }

  #params(query: Readonly<Record<string, string>>): string {
    return Object.entries({
      ...query,
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": `${this.#target.accessKey}/${this.#scope}`,
      "X-Amz-Date": this.#date,
      "X-Amz-Expires": "86400",
      "X-Amz-SignedHeaders": "host",
    })
      .map(([name, value]) => [encode(name), encode(value)] as const)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join("&");
  }
}
