// Files in a bucket, below a prefix: what backups need of any S3. Bytes are bound to their digest on the way there, and
// nothing is written over.

import { createReadStream, createWriteStream } from "node:fs";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BackupError } from "./backup-error.ts";
import { EMPTY_HASH, signS3, type S3Call, type S3Key } from "./sign-s3.ts";

export interface S3Place {
  /** Such as https://s3.eu-central-1.amazonaws.com; buckets are named in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string;
}

interface Sent {
  readonly method: "GET" | "PUT";
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly path: string; readonly digest: string };
}

/** Where nothing comes for so long, it is given up. */
const SILENCE_MS_MAX = 60_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const PAGES_MAX = 1_000;

export class S3Folder {
  readonly #place: S3Place;
  readonly #key: S3Key;

  constructor(place: S3Place, key: S3Key) {
    this.#place = place;
    this.#key = key;
  }

  /** As whoever names it writes it. */
  urlOf(name: string): string {
    return `s3://${[this.#place.bucket, ...this.#segments(name)].join("/")}`;
  }

  /** @param digest SHA-256 of the file, in hex. @throws BackupError, also where there is one of that name */
  async put(
    name: string,
    file: { readonly path: string; readonly sizeBytes: number; readonly digest: string },
  ): Promise<void> {
    const answer = await this.#send({
      method: "PUT",
      path: this.#segments(name),
      headers: { "content-length": String(file.sizeBytes), "if-none-match": "*" },
      body: file,
    });
    await textOf(answer);
  }

  /** @throws BackupError */
  async get(name: string, to: string): Promise<void> {
    const answer = await this.#send({ method: "GET", path: this.#segments(name) });
    await pipeline(answer, createWriteStream(to, { mode: 0o600, flush: true }));
  }

  /** Names directly below the prefix. @throws BackupError */
  async list(): Promise<readonly string[]> {
    const before = this.#place.prefix === "" ? "" : `${this.#place.prefix}/`;
    const names: string[] = [];
    let token: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = {
        "list-type": "2",
        prefix: before,
        delimiter: "/",
        "encoding-type": "url",
        ...(token === undefined ? {} : { "continuation-token": token }),
      };
      const xml = await textOf(await this.#send({ method: "GET", path: [], query }));
      for (const [, key = ""] of xml.matchAll(/<Key>([^<]*)<\/Key>/g)) {
        names.push(decodeURIComponent(key.replaceAll("+", " ")).slice(before.length));
      }
      [, token] = /<NextContinuationToken>([^<]+)</.exec(xml) ?? [];
      if (token === undefined) return names;
    }
    throw new BackupError(`${this.urlOf("")} holds too many files`);
  }

  #segments(name: string): readonly string[] {
    return [...this.#place.prefix.split("/"), ...name.split("/")].filter((part) => part !== "");
  }

  /** Resolves to an answer that says that all is well. */
  async #send({ method, path, query = {}, headers = {}, body }: Sent): Promise<IncomingMessage> {
    const { endpoint, region, bucket } = this.#place;
    const url = new URL(endpoint);
    const call: S3Call = {
      method,
      host: url.host,
      path: [bucket, ...path],
      query,
      headers,
      payloadHash: body?.digest ?? EMPTY_HASH,
      region,
      nowMs: Date.now(),
    };
    const signed = signS3(this.#key, call);
    const bytes = body === undefined ? undefined : createReadStream(body.path);
    const answer = await exchange(url, { method, ...signed }, bytes).catch((error: unknown) => {
      throw new BackupError(`${endpoint} cannot be asked: ${String(error)}`, { cause: error });
    });
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const xml = await textOf(answer);
    const [, code = `status ${status}`] = /<Code>([^<]*)</.exec(xml) ?? [];
    const [, words = ""] = /<Message>([^<]*)</.exec(xml) ?? [];
    throw new BackupError(`${this.urlOf(path.at(-1) ?? "")}: ${code}${words && `: ${words}`}`);
  }
}

interface Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function exchange(
  { protocol, hostname, port }: URL,
  { method, target: path, headers }: Exchange,
  body: Readable | undefined,
): Promise<IncomingMessage> {
  const send = protocol === "https:" ? requestHttps : requestHttp;
  // An address of IPv6 stands in brackets in a URL, and nowhere else.
  const host = hostname.replaceAll(/^\[|\]$/g, "");
  const request = send({ host, port, method, path, headers, timeout: SILENCE_MS_MAX });
  request.once("timeout", () => request.destroy(new Error("it does not answer")));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });
  if (body === undefined) request.end();
  // A refusal may come, and the connection go, before all is sent: then the answer says more.
  else pipeline(body, request).catch((error: unknown) => request.destroy(asError(error)));
  return answered;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer) {
    const bytes = chunk as Buffer;
    sizeBytes += bytes.length;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new BackupError("the answer is too long");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
