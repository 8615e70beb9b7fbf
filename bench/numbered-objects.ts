// Objects that are known by a number: their key and bytes follow from it, so that a process that has never seen them can
// ask for them and knows what must come back. Keys are spread over 1,000 prefixes.

import { createHash } from "node:crypto";
import type { Target } from "./presign.ts";

const PREFIXES = 1_000;
/** Room for the number itself. */
export const LEAST_BYTES = 8;

export interface NumberedJob {
  readonly target: Target;
  readonly bucket: string;
  /** `GET` compares the bytes; `GONE` expects a 404. */
  readonly verb: "DELETE" | "GET" | "GONE" | "PUT";
  readonly numbers: NumberRange | readonly number[];
  readonly sizeBytes: number;
  readonly connections: number;
}

/** From `start` up to, and without, `end`. */
export interface NumberRange {
  readonly start: number;
  readonly end: number;
}

/** `error` is of the first request that went wrong, which ends the job. */
export type NumberedOutcome = { readonly seconds: number } | { readonly error: string };

export function numberedPath(bucket: string, number: number): string {
  return `/${bucket}/${String(number % PREFIXES).padStart(3, "0")}/${number}`;
}

/** Bytes that do not compress, and differ between numbers from the first on. */
export class NumberedBytes {
  readonly #block: Buffer;

  constructor(sizeBytes: number) {
    this.#block = createHash("shake256", { outputLength: sizeBytes }).update("block").digest();
  }

  /** A copy of its own. */
  of(number: number): Buffer {
    const bytes = Buffer.from(this.#block);
    bytes.writeDoubleLE(number, 0);
    return bytes;
  }
}
