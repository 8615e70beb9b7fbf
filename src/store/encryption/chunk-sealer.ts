// Seals a stream of bytes chunk by chunk as they come. A chunk is sealed when the next one begins, or the stream ends, for
// only then is it known whether it is the last.

import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { CHUNK_CIPHER, CHUNK_CIPHER_OPTIONS, chunkNonce } from "./chunk-nonce.ts";
import type { Sealing } from "./encryption-text.ts";
import { deriveKey, SALT_BYTES } from "./key-wrap.ts";
import { CHUNK_BYTES } from "./sealed-layout.ts";
import { DIGEST_ALGORITHM, DIGEST_HEX_LENGTH } from "./stored-bytes.ts";

/** A power of two below a chunk. */
const PENDING_BYTES_MIN = 4 * 1024;

export class ChunkSealer {
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #key: Buffer;
  readonly #digest = createHash(DIGEST_ALGORITHM);
  /** What has come of the chunk that is not sealed yet; grows with it, so that a slow client holds what it has sent. */
  #pending = Buffer.allocUnsafe(PENDING_BYTES_MIN);
  #pendingBytes = 0;
  #index = 0;

  /** @param dataKey May be that of several streams. */
  constructor(dataKey: Uint8Array) {
    this.#key = deriveKey(dataKey, "chunks", this.#salt);
  }

  /** The sealed bytes that have become ready; they do not share memory with what was given. */
  *take(bytes: Uint8Array): Generator<Uint8Array, void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#pendingBytes === CHUNK_BYTES) yield* this.#sealPending(false);
      if (this.#pendingBytes === 0 && rest.length > CHUNK_BYTES) {
        // More follows, so that this is not the last: no need to keep it.
        yield* this.#seal(rest.subarray(0, CHUNK_BYTES), false);
        rest = rest.subarray(CHUNK_BYTES);
        continue;
      }
      const taken = Math.min(rest.length, CHUNK_BYTES - this.#pendingBytes);
      this.#keep(rest.subarray(0, taken));
      rest = rest.subarray(taken);
    }
  }

  /** The rest. */
  *end(): Generator<Uint8Array, void> {
    yield* this.#sealPending(true);
  }

  /** What must be kept to open it. To be asked for after `end`. */
  sealing(): Sealing {
    return {
      salt: this.#salt.toString("base64"),
      chunkBytes: CHUNK_BYTES,
      digest: this.#digest.digest("hex").slice(0, DIGEST_HEX_LENGTH),
    };
  }

  #keep(bytes: Uint8Array): void {
    const neededBytes = this.#pendingBytes + bytes.length;
    if (neededBytes > this.#pending.length) {
      let sizeBytes = this.#pending.length;
      while (sizeBytes < neededBytes) sizeBytes *= 2;
      const larger = Buffer.allocUnsafe(sizeBytes);
      larger.set(this.#pending.subarray(0, this.#pendingBytes));
      this.#pending = larger;
    }
    this.#pending.set(bytes, this.#pendingBytes);
    this.#pendingBytes = neededBytes;
  }

  *#sealPending(isLast: boolean): Generator<Uint8Array, void> {
    yield* this.#seal(this.#pending.subarray(0, this.#pendingBytes), isLast);
    this.#pendingBytes = 0;
  }

  *#seal(chunk: Uint8Array, isLast: boolean): Generator<Uint8Array, void> {
    const nonce = chunkNonce(this.#index, isLast);
    this.#index += 1;
    const cipher = createCipheriv(CHUNK_CIPHER, this.#key, nonce, CHUNK_CIPHER_OPTIONS);
    const sealed = cipher.update(chunk);
    cipher.final();
    const tag = cipher.getAuthTag();
    this.#digest.update(sealed).update(tag);
    if (sealed.length > 0) yield sealed;
    yield tag;
  }
}
