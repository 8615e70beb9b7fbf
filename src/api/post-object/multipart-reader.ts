// multipart/form-data, taken apart as it comes: one part after the other, nothing kept but the bytes that may yet turn out
// to be a boundary. The source is asked for more only when bytes are wanted. What is not exactly of the form is refused.
// https://www.rfc-editor.org/rfc/rfc7578
//
//   --boundary CRLF headers CRLF CRLF bytes CRLF --boundary CRLF ... CRLF --boundary--

import { S3Error } from "../../core/s3-error.ts";
import { type PartHead, parsePartHead } from "./part-head.ts";

export interface MultipartPart extends PartHead {
  /** To be read to its end before the next part is asked for. */
  readonly chunks: () => AsyncGenerator<Uint8Array, void, undefined>;
}

const CRLF = Buffer.from("\r\n");
const DASHES = Buffer.from("--");
const HEAD_END = Buffer.from("\r\n\r\n");
/** Headers of one part; the limit of all that precedes the file is a few times as much. */
const HEAD_BYTES_MAX = 8 * 1024;
/** White space after a boundary, which mail programs may add. */
const PADDING_BYTES_MAX = 64;

export class MultipartReader {
  readonly #source: AsyncIterator<Uint8Array>;
  /** What stands between parts: CRLF, two dashes, the boundary. */
  readonly #delimiter: Buffer;
  /** Came from the source and has not been taken yet. The beginning stands for the line end before the first boundary. */
  #pending: Buffer = CRLF;
  #takenBytes = -CRLF.length;
  #state: "between" | "end" | "inside" = "between";
  #isFirst = true;
  #isExhausted = false;

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  }

  /** What has been taken of the body so far: boundaries, heads and contents. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Undefined after the last part. @throws S3Error MalformedPOSTRequest, and what the source throws */
  async nextPart(): Promise<MultipartPart | undefined> {
    if (this.#state === "inside") throw new Error("a part is read to its end before the next");
    if (this.#isFirst) await this.#takeFirstBoundary();
    if (this.#state === "end" || (await this.#isLast())) {
      this.#state = "end";
      return undefined;
    }
    const head = parsePartHead((await this.#takeHead()).toString("utf8"));
    this.#state = "inside";
    return { ...head, chunks: () => this.#content() };
  }

  /** Reads away what follows the last part, up to a number of bytes. @throws S3Error MalformedPOSTRequest for more */
  async takeRest(bytesMax: number): Promise<void> {
    let restBytes = this.#pending.length;
    this.#take(this.#pending.length);
    while (restBytes <= bytesMax && (await this.#fill())) {
      restBytes += this.#pending.length;
      this.#take(this.#pending.length);
    }
    if (restBytes > bytesMax) throw malformed();
  }

  /** Lets go of the source, read to its end or not. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async *#content(): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#pending.length < this.#delimiter.length) await this.#need();
    const isEmpty = this.#pending.subarray(0, this.#delimiter.length).equals(this.#delimiter);
    if (!isEmpty) this.#take(CRLF.length);
    for (;;) {
      const at = this.#pending.indexOf(this.#delimiter);
      // The end of what is there may be the beginning of a boundary.
      const sure = at === -1 ? this.#pending.length - this.#delimiter.length + 1 : at;
      if (sure > 0) yield this.#take(sure);
      if (at !== -1) break;
      await this.#need();
    }
    this.#take(this.#delimiter.length);
    this.#state = "between";
  }

  async #takeFirstBoundary(): Promise<void> {
    this.#isFirst = false;
    while (this.#pending.length < this.#delimiter.length) await this.#need();
    const found = this.#take(this.#delimiter.length);
    // A preamble is allowed by the RFC and sent by nobody.
    if (!found.equals(this.#delimiter)) throw malformed();
  }

  /** What follows a boundary: two dashes after the last part, else a line end. */
  async #isLast(): Promise<boolean> {
    while (this.#pending.length < DASHES.length) await this.#need();
    if (this.#pending.subarray(0, DASHES.length).equals(DASHES)) {
      this.#take(DASHES.length);
      return true;
    }
    let end = this.#pending.indexOf(CRLF);
    while (end === -1 && this.#pending.length <= PADDING_BYTES_MAX) {
      await this.#need();
      end = this.#pending.indexOf(CRLF);
    }
    const padding = this.#pending.subarray(0, Math.max(end, 0)).toString("latin1");
    if (end === -1 || end > PADDING_BYTES_MAX || padding.trim() !== "") throw malformed();
    // The line end stays: where a part has no headers at all it is half of the empty line.
    this.#take(end);
    return false;
  }

  async #takeHead(): Promise<Buffer> {
    let end = this.#pending.indexOf(HEAD_END);
    while (end === -1 && this.#pending.length <= HEAD_BYTES_MAX) {
      await this.#need();
      end = this.#pending.indexOf(HEAD_END);
    }
    if (end === -1 || end > HEAD_BYTES_MAX) throw malformed();
    const head = this.#take(end);
    // The empty line's own end stays: where a part has no bytes at all the next boundary begins with it.
    this.#take(HEAD_END.length - CRLF.length);
    // A part that ended amid its headers.
    if (head.includes(this.#delimiter)) throw malformed();
    return head.subarray(CRLF.length);
  }

  #take(sizeBytes: number): Buffer {
    const taken = this.#pending.subarray(0, sizeBytes);
    this.#pending = this.#pending.subarray(sizeBytes);
    this.#takenBytes += sizeBytes;
    return taken;
  }

  async #need(): Promise<void> {
    if (!(await this.#fill())) throw malformed();
  }

  /** Whether there was more. */
  async #fill(): Promise<boolean> {
    if (this.#isExhausted) return false;
    const { done, value } = await this.#source.next();
    if (done === true) {
      this.#isExhausted = true;
      return false;
    }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    return true;
  }
}

function malformed(): S3Error {
  return new S3Error("MalformedPOSTRequest");
}
