// One answer of HTTP/1.1, from its bytes as they come: no more is understood than a correct server sends, and all else
// is refused.
// https://www.rfc-editor.org/rfc/rfc9112

import type { LabAnswer } from "./lab-client.ts";

const EMPTY: Buffer = Buffer.alloc(0);
const HEAD_BYTES_MAX = 64 * 1024;

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export class AnswerParser {
  readonly #isHeadRequest: boolean;
  #head: Head | undefined;
  /** What has come and is not understood yet. */
  #rest: Buffer = EMPTY;
  readonly #chunks: Buffer[] = [];
  /** Of the body that are still to come; Infinity: until the connection ends; undefined: it comes in chunks. */
  #leftBytes: number | undefined = 0;

  constructor(isHeadRequest: boolean) {
    this.#isHeadRequest = isHeadRequest;
  }

  /** Whether another request may follow on the connection. */
  get keepsAlive(): boolean {
    return this.#leftBytes !== Infinity && this.#head?.headers["connection"] !== "close";
  }

  /** The answer, once it is whole. @throws when it is none. */
  push(bytes: Buffer): LabAnswer | undefined {
    let left = bytes;
    while (this.#head === undefined) {
      this.#rest = joined(this.#rest, left);
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) {
        if (this.#rest.length > HEAD_BYTES_MAX) throw new Error("the head of an answer has no end");
        return undefined;
      }
      const head = parseHead(this.#rest.toString("latin1", 0, end));
      left = this.#rest.subarray(end + 4);
      this.#rest = EMPTY;
      // Another one follows those that say only that it goes on.
      if (head.status >= 200) this.#begin(head);
    }
    return this.#leftBytes === undefined ? this.#takeChunked(left) : this.#take(left);
  }

  /** The connection has ended. @throws when the answer is not whole. */
  end(): LabAnswer {
    if (this.#leftBytes === Infinity && this.#head !== undefined) return this.#whole(this.#head);
    const words = this.#head === undefined ? "no answer" : "the answer is cut off";
    throw Object.assign(new Error(words), { code: "ECONNRESET" });
  }

  #begin(head: Head): void {
    this.#head = head;
    const { headers, status } = head;
    const length = headers["content-length"];
    const coding = headers["transfer-encoding"];
    if (length !== undefined && (coding !== undefined || !/^\d+$/.test(length))) {
      throw new Error(`an answer of length ${length} and coding ${coding}`);
    }
    if (this.#isHeadRequest || status === 204 || status === 304) this.#leftBytes = 0;
    else if (coding === undefined)
      this.#leftBytes = length === undefined ? Infinity : Number(length);
    else if (coding === "chunked") this.#leftBytes = undefined;
    else throw new Error(`an answer of coding ${coding}`);
  }

  #take(bytes: Buffer): LabAnswer | undefined {
    if (bytes.length > 0) this.#chunks.push(bytes);
    this.#leftBytes = (this.#leftBytes ?? 0) - bytes.length;
    if (this.#leftBytes < 0) throw new Error("more bytes than the answer has");
    return this.#leftBytes === 0 && this.#head !== undefined ? this.#whole(this.#head) : undefined;
  }

  #takeChunked(bytes: Buffer): LabAnswer | undefined {
    this.#rest = joined(this.#rest, bytes);
    for (;;) {
      const end = this.#rest.indexOf("\r\n");
      if (end < 0) return undefined;
      const size = this.#rest.toString("latin1", 0, end);
      if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`a chunk of size ${size}`);
      const sizeBytes = Number.parseInt(size, 16);
      const start = end + 2;
      if (this.#rest.length < start + sizeBytes + 2) return undefined;
      if (this.#rest.toString("latin1", start + sizeBytes, start + sizeBytes + 2) !== "\r\n") {
        throw new Error("a chunk that does not end, or trailers");
      }
      if (sizeBytes > 0) this.#chunks.push(this.#rest.subarray(start, start + sizeBytes));
      this.#rest = this.#rest.subarray(start + sizeBytes + 2);
      if (sizeBytes > 0) continue;
      if (this.#rest.length > 0) throw new Error("more bytes than the answer has");
      return this.#head && this.#whole(this.#head);
    }
  }

  #whole({ status, headers }: Head): LabAnswer {
    const [only = EMPTY] = this.#chunks;
    const body = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : only;
    return { status, headers, body };
  }
}

function joined(first: Buffer, second: Buffer): Buffer {
  return first.length === 0 ? second : Buffer.concat([first, second]);
}

function parseHead(text: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.1 ([1-5]\d\d) /.exec(`${first} `)?.[1];
  if (status === undefined) throw new Error(`an answer that begins with ${first.slice(0, 80)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`a header without a name: ${line.slice(0, 80)}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const known = headers[name];
    headers[name] = known === undefined ? value : `${known}, ${value}`;
  }
  return { status: Number(status), headers };
}
