// What a group of writes changed, as the members keep it: the statements that wrote, by number, with the values bound to
// them. Never the requests: conditions were judged once, by the writer, and playing the statements again on another copy
// of the same state changes the same rows. The numbers are those of the table journal_statements.
//
// As bytes: one that says if what follows the next is deflated, four with its length, the statements and their values,
// and then the bytes of all blobs, one after the other. Rows of one group are much alike, and shrink to a quarter; objects
// need not, and would cost much more time.

import { deflateRawSync, inflateRawSync } from "node:zlib";

/** What SQLite binds. */
export type BoundValue = Uint8Array | number | string | null;
export type BoundValues = readonly BoundValue[] | Readonly<Record<string, BoundValue>>;

export interface Effect {
  readonly statementId: number;
  readonly values: BoundValues;
}

const TAG = { null: 0, integer: 1, double: 2, text: 3, blob: 4 } as const;
const SHAPE = { positional: 0, named: 1 } as const;
const PACKING = { plain: 0, deflated: 1 } as const;
const HEAD_BYTES = 5;
/** Less is not worth deflating, neither by itself nor beside the bytes of objects. */
const DEFLATE_BYTES_MIN = 400;
const DEFLATE_SHARE_MIN = 1 / 8;
/** Statements of a group: a hostile record must not take all memory. */
const INFLATED_BYTES_MAX = 256 * 1024 * 1024;
const BYTES_AT_FIRST = 64 * 1024;
/** A buffer that once grew larger is let go after its group. */
const BYTES_KEPT_MAX = 4 * 1024 * 1024;
/** Integers up to here are written as seven bits a byte. */
const VARINT_MAX = 2 ** 31;

interface EffectMark {
  readonly length: number;
  readonly blobCount: number;
  readonly blobBytes: number;
}

/** Gathers effects as bytes; what a refused write left is taken back by its mark. */
export class EffectBuffer {
  #bytes = Buffer.allocUnsafe(BYTES_AT_FIRST);
  #length = 0;
  /** The callers' own, unchanged until the group has been told. */
  #blobs: Uint8Array[] = [];
  #blobBytes = 0;

  /** Of what has been gathered, before it is deflated. */
  get sizeBytes(): number {
    return this.#length + this.#blobBytes;
  }

  /** Grows with every effect. */
  get length(): number {
    return this.#length;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Where the next effect will begin. */
  get mark(): EffectMark {
    return { length: this.#length, blobCount: this.#blobs.length, blobBytes: this.#blobBytes };
  }

  undo({ length, blobCount, blobBytes }: EffectMark): void {
    this.#length = length;
    this.#blobs.length = blobCount;
    this.#blobBytes = blobBytes;
  }

  /** All effects so far, in pieces: good until more is added, or they are cleared. */
  pieces(): readonly Uint8Array[] {
    const plain = this.#bytes.subarray(0, this.#length);
    const leastBytes = Math.max(DEFLATE_BYTES_MIN, this.#blobBytes * DEFLATE_SHARE_MIN);
    const deflated = plain.length < leastBytes ? undefined : deflateRawSync(plain, { level: 1 });
    const isDeflated = deflated !== undefined && deflated.length < plain.length;
    const statements = isDeflated ? deflated : plain;
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head[0] = isDeflated ? PACKING.deflated : PACKING.plain;
    head.writeUInt32LE(statements.length, 1);
    return [head, statements, ...this.#blobs];
  }

  clear(): void {
    this.#length = 0;
    this.#blobs = [];
    this.#blobBytes = 0;
    if (this.#bytes.length > BYTES_KEPT_MAX) this.#bytes = Buffer.allocUnsafe(BYTES_AT_FIRST);
  }

  add({ statementId, values }: Effect): void {
    this.#count(statementId);
    if (isList(values)) {
      this.#byte(SHAPE.positional);
      this.#count(values.length);
      for (const value of values) this.#value(value);
      return;
    }
    const entries = Object.entries(values);
    this.#byte(SHAPE.named);
    this.#count(entries.length);
    for (const [name, value] of entries) {
      this.#text(name);
      this.#value(value);
    }
  }

  #value(value: BoundValue): void {
    if (value === null) this.#byte(TAG.null);
    else if (typeof value === "string") {
      this.#byte(TAG.text);
      this.#text(value);
    } else if (typeof value === "number") this.#number(value);
    else {
      this.#byte(TAG.blob);
      this.#count(value.length);
      this.#blobs.push(value);
      this.#blobBytes += value.length;
    }
  }

  #number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < VARINT_MAX && !Object.is(value, -0)) {
      this.#byte(TAG.integer);
      this.#count(value);
      return;
    }
    this.#byte(TAG.double);
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  #text(text: string): void {
    // Three bytes a UTF-16 unit is the most that UTF-8 takes.
    const sizeBytes = Buffer.byteLength(text, "utf8");
    this.#count(sizeBytes);
    this.#room(sizeBytes);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** A number from 0 to 2^31 - 1, seven bits a byte, the lowest first. */
  #count(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length] = (rest & 0x7f) | 0x80;
      this.#length += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  #room(sizeBytes: number): void {
    const needed = this.#length + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

function isList(values: BoundValues): values is readonly BoundValue[] {
  return Array.isArray(values);
}

/** @throws EffectError at the first byte that makes no sense. */
export function* parseEffects(payload: Uint8Array): Generator<Effect, void> {
  const reader = new EffectReader(payload);
  while (!reader.isAtEnd) {
    const statementId = reader.count();
    yield { statementId, values: reader.values() };
  }
}

/** A record's digest was right and its contents are not: a newer version, or a fault of ours. */
export class EffectError extends Error {
  override readonly name = "EffectError";
}

function unpacked(packing: number | undefined, statements: Buffer): Buffer {
  if (packing === PACKING.plain) return statements;
  if (packing !== PACKING.deflated) throw new EffectError(`packing ${packing} is unknown`);
  try {
    return inflateRawSync(statements, { maxOutputLength: INFLATED_BYTES_MAX });
  } catch (error) {
    throw new EffectError("it cannot be inflated", { cause: error });
  }
}

class EffectReader {
  readonly #bytes: Buffer;
  readonly #blobs: Buffer;
  #offset = 0;
  #blobOffset = 0;

  constructor(payload: Uint8Array) {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const end = bytes.length < HEAD_BYTES ? 0 : HEAD_BYTES + bytes.readUInt32LE(1);
    if (end === 0 || end > bytes.length) throw new EffectError("it ends too early");
    this.#bytes = unpacked(bytes[0], bytes.subarray(HEAD_BYTES, end));
    this.#blobs = bytes.subarray(end);
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  values(): BoundValues {
    const shape = this.#byte();
    const count = this.count();
    if (count > this.#bytes.length) throw new EffectError("more values than bytes");
    if (shape === SHAPE.positional) return Array.from({ length: count }, () => this.#value());
    if (shape !== SHAPE.named) throw new EffectError(`values of shape ${shape} are unknown`);
    const entries = Array.from({ length: count }, () => [this.#text(), this.#value()] as const);
    return Object.fromEntries(entries);
  }

  count(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new EffectError("a number has no end");
  }

  #value(): BoundValue {
    const tag = this.#byte();
    if (tag === TAG.null) return null;
    if (tag === TAG.integer) return this.count();
    if (tag === TAG.double) return this.#take(8).readDoubleLE(0);
    if (tag === TAG.text) return this.#text();
    if (tag === TAG.blob) return this.#blob(this.count());
    throw new EffectError(`a value of kind ${tag} is unknown`);
  }

  #text(): string {
    return this.#take(this.count()).toString("utf8");
  }

  #blob(sizeBytes: number): Buffer {
    const end = this.#blobOffset + sizeBytes;
    if (end > this.#blobs.length) throw new EffectError("it ends too early");
    const taken = this.#blobs.subarray(this.#blobOffset, end);
    this.#blobOffset = end;
    return taken;
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new EffectError("it ends too early");
    this.#offset += 1;
    return byte;
  }

  #take(sizeBytes: number): Buffer {
    const end = this.#offset + sizeBytes;
    if (end > this.#bytes.length) throw new EffectError("it ends too early");
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}
