// Writes small WebAssembly functions as bytes: vector loops that are made to measure at run time, without a compiler
// among the dependencies. Instructions are functions from the code of their operands to code; what they do is in the
// specification under the same names. https://webassembly.github.io/spec/core/binary/instructions.html

/** Bytes, and code within code: it is laid flat once, at the end. */
export type Code = readonly (number | Code)[];
export type ValueType = "i32" | "v128";

const TYPE_CODE: Readonly<Record<ValueType, number>> = { i32: 0x7f, v128: 0x7b };
const VECTOR_PREFIX = 0xfd;
const NO_RESULT = 0x40;
const END = 0x0b;
/** Every load and store is right at any address; the hint that says so is the alignment of one byte. */
const UNALIGNED = 0;

/** Takes two values and leaves one. */
const binary =
  (operation: number | Code) =>
  (left: Code, right: Code): Code => [left, right, operation];

const vector = (opcode: number): Code => [VECTOR_PREFIX, unsigned(opcode)];

const [LOAD, STORE, CONSTANT] = [vector(0x00), vector(0x0b), vector(0x0c)];
const [SHUFFLE, NOT, SHIFT_LEFT, SHIFT_RIGHT] = [
  vector(0x0d),
  vector(0x4d),
  vector(0xab),
  vector(0xad),
];

export const i32 = {
  constant: (value: number): Code => [0x41, signed(value)],
  load: (address: Code, offset = 0): Code => [address, 0x28, UNALIGNED, unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    address,
    value,
    0x36,
    UNALIGNED,
    unsigned(offset),
  ],
  add: binary(0x6a),
  subtract: binary(0x6b),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  /** The bits of the left that the right does not have. */
  andNot: (left: Code, right: Code): Code => i32.and(left, i32.not(right)),
  not: (value: Code): Code => i32.xor(value, i32.constant(-1)),
  rotateLeft: (value: Code, bits: number): Code => [value, i32.constant(bits), 0x77],
  isUnequal: binary(0x47),
  isLessOrEqualUnsigned: binary(0x4d),
} as const;

export const v128 = {
  load: (address: Code, offset = 0): Code => [address, LOAD, UNALIGNED, unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    address,
    value,
    STORE,
    UNALIGNED,
    unsigned(offset),
  ],
  /** Sixteen times the same byte. */
  constant8: (byte: number): Code => [CONSTANT, Array.from({ length: 16 }, () => byte & 0xff)],
  /** The bytes of two vectors, one after the other, picked by number: 0 to 15 of the left, 16 to 31 of the right. */
  shuffle: (left: Code, right: Code, picks: readonly number[]): Code => [
    left,
    right,
    SHUFFLE,
    picks,
  ],
  not: (value: Code): Code => [value, NOT],
  and: binary(vector(0x4e)),
  /** The bits of the left that the right does not have. */
  andNot: binary(vector(0x4f)),
  or: binary(vector(0x50)),
  xor: binary(vector(0x51)),
  /** Of sixteen signed bytes: all ones where the left is less, else zero. */
  isLess8: binary(vector(0x25)),
  add8: binary(vector(0x6e)),
  add32: binary(vector(0xae)),
  /** Of four numbers of 32 bits. The value's code stands there twice: a local variable is best. */
  rotateLeft32: (value: Code, bits: number): Code =>
    v128.or([value, i32.constant(bits), SHIFT_LEFT], [value, i32.constant(32 - bits), SHIFT_RIGHT]),
} as const;

/** One function with the memory that it works on, `imports.memory`; its name outside is `run`. */
export class WasmFunction {
  readonly #params: readonly ValueType[];
  readonly #locals: ValueType[] = [];
  readonly #body: Code[] = [];

  constructor(params: readonly ValueType[]) {
    this.#params = params;
  }

  /** A new local variable, zero at first; its index. Parameters have the first indexes. */
  local(type: ValueType): number {
    return this.#params.length + this.#locals.push(type) - 1;
  }

  emit(...codes: readonly Code[]): void {
    this.#body.push(...codes);
  }

  /** A module that exports the function and imports its memory. */
  module(): Uint8Array {
    const params = this.#params.map((type) => [TYPE_CODE[type]]);
    const locals = this.#locals.map((type) => [1, TYPE_CODE[type]]);
    return new Uint8Array(
      flattened([
        [0x00, ...Buffer.from("asm"), 0x01, 0x00, 0x00, 0x00],
        section(1, list([[0x60, list(params), 0]])),
        section(2, list([[name("imports"), name("memory"), 0x02, 0x00, 0x01]])),
        section(3, list([[0]])),
        section(7, list([[name("run"), 0x00, 0x00]])),
        section(10, list([sized([list(locals), this.#body, END])])),
      ]),
    );
  }
}

export function get(local: number): Code {
  return [0x20, unsigned(local)];
}

export function set(local: number, value: Code): Code {
  return [value, 0x21, unsigned(local)];
}

/** The body again and again, as long as it ends in `branch` to it. */
export function loop(...body: readonly Code[]): Code {
  return [0x03, NO_RESULT, body, END];
}

export function when(condition: Code, ...body: readonly Code[]): Code {
  return [condition, 0x04, NO_RESULT, body, END];
}

/** To the beginning of the loop around it; `depth` counts the blocks in between. */
export function branch(depth: number): Code {
  return [0x0c, unsigned(depth)];
}

export function branchIf(condition: Code, depth: number): Code {
  return [condition, 0x0d, unsigned(depth)];
}

function section(id: number, content: Code): Code {
  return [id, sized(content)];
}

/** With its length before it. */
function sized(content: Code): Code {
  const bytes = flattened(content);
  return [unsigned(bytes.length), bytes];
}

function flattened(code: Code, bytes: number[] = []): number[] {
  for (const item of code) {
    if (typeof item === "number") bytes.push(item);
    else flattened(item, bytes);
  }
  return bytes;
}

function list(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function name(value: string): Code {
  return [unsigned(value.length), [...Buffer.from(value)]];
}

/** LEB128, seven bits a byte; most numbers are one. */
function unsigned(value: number): number | Code {
  if (value <= 0x7f) return value;
  const bytes: number[] = [];
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value | 0;
  // The last byte's second bit is the sign of all that is not written.
  while (rest < -0x40 || rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  bytes.push(rest & 0x7f);
  return bytes;
}
