// Opens sealed chunks as they come in pieces of any size. Nothing of a chunk is given out before its tag has been checked.

import { createDecipheriv, type DecipherGCM } from "node:crypto";
import type { ByteRange } from "../../erasure/stripe.ts";
import { assert } from "../../util/assert.ts";
import { CHUNK_CIPHER, CHUNK_CIPHER_OPTIONS, chunkNonce } from "./chunk-nonce.ts";
import type { Sealing } from "./encryption-text.ts";
import { deriveKey } from "./key-wrap.ts";
import { chunkCount, chunksOf, TAG_BYTES } from "./sealed-layout.ts";

/** Sealed bytes are not what was sealed. */
export class SealBrokenError extends Error {
  constructor(index: number) {
    super(`sealed chunk ${index} does not open: it has changed, or lies in a wrong place`);
    this.name = "SealBrokenError";
  }
}

export interface SealedBytes {
  readonly dataKey: Uint8Array;
  readonly sealing: Sealing;
  /** Of all of them, before they were sealed. */
  readonly sizeBytes: number;
}

export class ChunkOpener {
  /** The sealed bytes to be given to `open`, in order. */
  readonly sealed: ByteRange;
  readonly #key: Buffer;
  readonly #range: ByteRange;
  readonly #sizeBytes: number;
  readonly #chunkBytes: number;
  readonly #chunkCount: number;
  readonly #tag = Buffer.alloc(TAG_BYTES);
  #index: number;
  #decipher: DecipherGCM | undefined;
  /** Of the chunk that is being read. */
  #opened: Uint8Array[] = [];
  #openedBytes = 0;
  #tagBytes = 0;

  /** @param range What is wanted of the bytes; not empty. */
  constructor({ dataKey, sealing, sizeBytes }: SealedBytes, range: ByteRange) {
    assert(range.start < range.end && range.end <= sizeBytes, "a range lies in its bytes");
    const { salt, chunkBytes } = sealing;
    const { first, sealed } = chunksOf(range, sizeBytes, chunkBytes);
    this.sealed = sealed;
    this.#key = deriveKey(dataKey, "chunks", Buffer.from(salt, "base64"));
    this.#range = range;
    this.#sizeBytes = sizeBytes;
    this.#chunkBytes = chunkBytes;
    this.#chunkCount = chunkCount(sizeBytes, chunkBytes);
    this.#index = first;
  }

  /** The wanted bytes that have become known; they do not share memory with what was given. @throws SealBrokenError */
  open(pieces: Iterable<Uint8Array>): readonly Uint8Array[] {
    const wanted: Uint8Array[] = [];
    for (const piece of pieces) {
      let rest = piece;
      while (rest.length > 0) {
        rest = this.#take(rest);
        if (this.#tagBytes === TAG_BYTES) wanted.push(...this.#endChunk());
      }
    }
    return wanted;
  }

  /** Takes what belongs to the current chunk; returns what is left. */
  #take(bytes: Uint8Array): Uint8Array {
    const dataBytes = this.#dataBytes();
    if (this.#openedBytes < dataBytes) {
      const piece = bytes.subarray(0, dataBytes - this.#openedBytes);
      this.#opened.push(this.#cipher().update(piece));
      this.#openedBytes += piece.length;
      return bytes.subarray(piece.length);
    }
    const piece = bytes.subarray(0, TAG_BYTES - this.#tagBytes);
    this.#tag.set(piece, this.#tagBytes);
    this.#tagBytes += piece.length;
    return bytes.subarray(piece.length);
  }

  #dataBytes(): number {
    return Math.min(this.#chunkBytes, this.#sizeBytes - this.#index * this.#chunkBytes);
  }

  #cipher(): DecipherGCM {
    const isLast = this.#index === this.#chunkCount - 1;
    const nonce = chunkNonce(this.#index, isLast);
    return (this.#decipher ??= createDecipheriv(
      CHUNK_CIPHER,
      this.#key,
      nonce,
      CHUNK_CIPHER_OPTIONS,
    ));
  }

  #endChunk(): readonly Uint8Array[] {
    const decipher = this.#cipher();
    decipher.setAuthTag(this.#tag);
    try {
      decipher.final();
    } catch {
      throw new SealBrokenError(this.#index);
    }
    const start = this.#index * this.#chunkBytes;
    const opened = cut(this.#opened, {
      start: Math.max(this.#range.start - start, 0),
      end: Math.min(this.#range.end - start, this.#openedBytes),
    });
    this.#decipher = undefined;
    this.#opened = [];
    this.#openedBytes = 0;
    this.#tagBytes = 0;
    this.#index += 1;
    return opened;
  }
}

/** The pieces that a range takes of pieces that follow each other. */
function cut(pieces: readonly Uint8Array[], range: ByteRange): readonly Uint8Array[] {
  let at = 0;
  return pieces.flatMap((piece) => {
    const start = Math.max(range.start - at, 0);
    const end = Math.min(range.end - at, piece.length);
    at += piece.length;
    return start < end ? [piece.subarray(start, end)] : [];
  });
}
