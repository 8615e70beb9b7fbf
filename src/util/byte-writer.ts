// Bytes put one behind the other into one buffer, which grows where it must: a buffer for each of many small pieces costs
// many times what they hold.

/** A count's lowest seven bits come first; the highest bit of a byte says that more follow. */
const COUNT_BITS = 7;
const COUNT_MASK = 0x7f;
const COUNT_MORE = 0x80;
/** Of a count: what fits into 32 bits. */
const COUNT_BYTES_MAX = 5;

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  /** An integer of at most 32 bits, in as few bytes as it needs. */
  count(value: number): void {
    this.#reserve(COUNT_BYTES_MAX);
    let rest = value;
    while (rest > COUNT_MASK) {
      this.#buffer[this.#length] = (rest & COUNT_MASK) | COUNT_MORE;
      this.#length += 1;
      rest >>>= COUNT_BITS;
    }
    this.#buffer[this.#length] = rest;
    this.#length += 1;
  }

  /** Behind their count. */
  counted(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** In UTF-8, behind the count of its bytes. */
  text(value: string): void {
    const textBytes = Buffer.byteLength(value, "utf8");
    this.count(textBytes);
    this.#reserve(textBytes);
    this.#length += this.#buffer.write(value, this.#length, "utf8");
  }

  /** All so far: a view, which what is written later leaves as it is. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(moreBytes: number): void {
    const neededBytes = this.#length + moreBytes;
    if (neededBytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(neededBytes, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
