// aws-chunked, decoded as it comes: bytes are handed on as views of what arrived, never copied; lines are bounded; a
// chunk's signature is verified when its last byte is there.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
//
//   size-in-hex [";chunk-signature=" hex] CRLF bytes CRLF ... 0 [";chunk-signature=" hex] CRLF trailer-lines CRLF

import { createHash, type Hash } from "node:crypto";
import type { ChunkVerifier } from "../../auth/chunk-verifier.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { Trailer } from "./trailer.ts";

/** Size, extension and signature need a fraction of it; so does a trailer with the longest checksum. */
const LINE_BYTES_MAX = 1024;
/** A checksum, its signature, and the empty line. */
const TRAILER_LINES_MAX = 4;
/** Every chunk but the last holds at least this much. */
const CHUNK_BYTES_MIN = 8192;

const CR = 0x0d;
const LF = 0x0a;

export interface ChunkedFraming {
  readonly verifier: ChunkVerifier | undefined;
  /** x-amz-decoded-content-length. */
  readonly sizeBytes: number;
  /** Undefined where the payload was announced without one. */
  readonly trailer: Trailer | undefined;
}

type State = "data" | "data-end" | "done" | "size-line" | "trailer-line";

export class ChunkedDecoder {
  readonly #framing: ChunkedFraming;
  #state: State = "size-line";
  /** The line begun so far; Latin-1, without its end. */
  #line = "";
  #chunkHash: Hash | undefined;
  #chunkSignature = "";
  #chunkBytesLeft = 0;
  #lastChunkBytes = Number.POSITIVE_INFINITY;
  #decodedBytes = 0;
  #trailerLineCount = 0;

  constructor(framing: ChunkedFraming) {
    this.#framing = framing;
  }

  /**
   * The data in `bytes`, as views of it.
   * @throws S3Error SignatureDoesNotMatch, InvalidChunkSizeError, InvalidRequest, IncompleteBody, MalformedTrailerError
   */
  *decode(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "data") {
        const data = bytes.subarray(at, at + this.#chunkBytesLeft);
        at += data.length;
        this.#takeData(data);
        yield data;
      } else if (this.#state === "done") {
        throw invalid("There are bytes after the end of the last chunk.");
      } else {
        at = this.#takeLineBytes(bytes, at);
      }
    }
  }

  /** The body has ended. @throws S3Error IncompleteBody, and what a trailer is refused for */
  end(): void {
    // Some clients leave out the empty line that ends the trailer.
    if (this.#state === "trailer-line" && this.#line === "") this.#finish();
    if (this.#state !== "done") throw new S3Error("IncompleteBody");
  }

  #takeData(data: Uint8Array): void {
    this.#chunkHash?.update(data);
    this.#decodedBytes += data.length;
    this.#chunkBytesLeft -= data.length;
    if (this.#chunkBytesLeft === 0) this.#state = "data-end";
  }

  /** Takes bytes up to the end of the line, or all there are; returns where to go on. */
  #takeLineBytes(bytes: Uint8Array, from: number): number {
    const newline = this.#findLineEnd(bytes, from);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (this.#line.length + end - from > LINE_BYTES_MAX) throw this.#lineTooLong();
    this.#line += Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString("latin1");
    if (newline < 0) return end;
    const line = this.#line.slice(0, -2);
    this.#line = "";
    this.#takeLine(line);
    return end;
  }

  /** Only LF after CR ends a line: AWS's own example of a trailer has a bare LF before its CRLF. */
  #findLineEnd(bytes: Uint8Array, from: number): number {
    for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
      const isAfterCr = at > from ? bytes[at - 1] === CR : this.#line.endsWith("\r");
      if (isAfterCr) return at;
      if (at - from > LINE_BYTES_MAX) break;
    }
    return -1;
  }

  #takeLine(line: string): void {
    if (this.#state === "size-line") {
      this.#beginChunk(line);
    } else if (this.#state === "data-end") {
      if (line !== "") throw invalid("A chunk is longer than its size says.");
      this.#verifyChunk();
      this.#state = "size-line";
    } else {
      this.#takeTrailerLine(line);
    }
  }

  #beginChunk(line: string): void {
    const match = /^([0-9a-fA-F]{1,16})(?:;chunk-signature=([^;]*))?$/.exec(line);
    if (match === null) throw invalid("The size of a chunk is not a hexadecimal number.");
    const [, hex = "", signature = ""] = match;
    const sizeBytes = Number.parseInt(hex, 16);
    if (sizeBytes > 0 && this.#lastChunkBytes < CHUNK_BYTES_MIN) {
      throw new S3Error("InvalidChunkSizeError", {
        detail: { BadChunkSize: String(this.#lastChunkBytes) },
      });
    }
    if (this.#decodedBytes + sizeBytes > this.#framing.sizeBytes)
      throw new S3Error("IncompleteBody");
    this.#chunkSignature = signature;
    this.#chunkHash = this.#framing.verifier === undefined ? undefined : createHash("sha256");
    this.#chunkBytesLeft = sizeBytes;
    this.#lastChunkBytes = sizeBytes;
    this.#state = sizeBytes === 0 ? "trailer-line" : "data";
    if (sizeBytes === 0) this.#endData();
  }

  #endData(): void {
    this.#verifyChunk();
    if (this.#decodedBytes !== this.#framing.sizeBytes) throw new S3Error("IncompleteBody");
  }

  #verifyChunk(): void {
    if (this.#chunkHash === undefined) return;
    this.#framing.verifier?.verifyChunk(this.#chunkHash.digest("hex"), this.#chunkSignature);
  }

  #takeTrailerLine(line: string): void {
    this.#trailerLineCount += 1;
    if (this.#trailerLineCount > TRAILER_LINES_MAX) throw new S3Error("MalformedTrailerError");
    if (line === "") {
      this.#finish();
      return;
    }
    if (this.#framing.trailer === undefined) throw new S3Error("MalformedTrailerError");
    this.#framing.trailer.addLine(line);
  }

  #finish(): void {
    this.#framing.trailer?.finish();
    this.#state = "done";
  }

  #lineTooLong(): S3Error {
    if (this.#state === "trailer-line") return new S3Error("MalformedTrailerError");
    return invalid("The line of a chunk's size is too long.");
  }
}

function invalid(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
