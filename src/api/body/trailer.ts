// What may stand after the last chunk: the one announced checksum, and the signature over it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html

import { createHash } from "node:crypto";
import type { ChunkVerifier } from "../../auth/chunk-verifier.ts";
import { S3Error } from "../../core/s3-error.ts";

const SIGNATURE = "x-amz-trailer-signature";

export class Trailer {
  /** Lower-case; undefined when none was announced. */
  readonly #announced: string | undefined;
  readonly #verifier: ChunkVerifier | undefined;
  #value: string | undefined;
  #signature: string | undefined;

  constructor(announced: string | undefined, verifier: ChunkVerifier | undefined) {
    this.#announced = announced;
    this.#verifier = verifier;
  }

  /** Known once the body has ended; undefined when none was announced. */
  get value(): string | undefined {
    return this.#value;
  }

  /** @throws S3Error MalformedTrailerError, InvalidRequest */
  addLine(line: string): void {
    const colon = line.indexOf(":");
    if (colon <= 0) throw new S3Error("MalformedTrailerError");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === SIGNATURE && this.#verifier !== undefined) {
      if (this.#signature !== undefined) throw new S3Error("MalformedTrailerError");
      this.#signature = value;
      return;
    }
    if (name !== this.#announced) {
      throw new S3Error("InvalidRequest", {
        message: "The trailer holds a field that x-amz-trailer did not announce.",
      });
    }
    if (this.#value !== undefined) throw new S3Error("MalformedTrailerError");
    this.#value = value;
  }

  /** @throws S3Error MalformedTrailerError, SignatureDoesNotMatch */
  finish(): void {
    if (this.#announced !== undefined && this.#value === undefined) {
      throw new S3Error("MalformedTrailerError");
    }
    if (this.#verifier === undefined || this.#announced === undefined) return;
    const canonical = `${this.#announced}:${this.#value}\n`;
    const hash = createHash("sha256").update(canonical, "latin1").digest("hex");
    this.#verifier.verifyTrailer(hash, this.#signature ?? "");
  }
}
