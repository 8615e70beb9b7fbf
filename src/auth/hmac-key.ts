// HMAC-SHA256 with a key that signs often (RFC 2104), of short texts: two hashes at one call each, where Node's Hmac makes,
// and has collected, an object for every request.

import { createHmac, hash } from "node:crypto";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER = 0x36;
const OUTER = 0x5c;
/** Strings to sign are shorter; longer texts go Node's way. */
const TEXT_BYTES_MAX = 1_024;

export class HmacKey {
  readonly bytes: Buffer;
  /** The padded key, and room for what is hashed behind it. */
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /** @param bytes At most 64. */
  constructor(bytes: Buffer) {
    if (bytes.length > BLOCK_BYTES) throw new RangeError("the key is longer than a block");
    this.bytes = bytes;
    this.#inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES_MAX, INNER);
    this.#outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, OUTER);
    for (const [at, byte] of bytes.entries()) {
      this.#inner[at] = byte ^ INNER;
      this.#outer[at] = byte ^ OUTER;
    }
  }

  /** In lower-case hex. `text` counts by its UTF-8 bytes. */
  hexOf(text: string): string {
    if (text.length * 3 > TEXT_BYTES_MAX) {
      return createHmac("sha256", this.bytes).update(text).digest("hex");
    }
    const end = BLOCK_BYTES + this.#inner.write(text, BLOCK_BYTES, "utf8");
    const inner = hash("sha256", this.#inner.subarray(0, end), "binary");
    this.#outer.write(inner, BLOCK_BYTES, "binary");
    return hash("sha256", this.#outer, "hex");
  }
}
