// MD5 as WebAssembly, of one message or of several at once: what is one number in the algorithm is a vector of four, one
// number of each message. MD5 is a single chain of steps, each of which waits for the one before, so that several
// chains beside each other cost little more than one; that is also why eight messages are two chains in one loop.
// https://www.rfc-editor.org/rfc/rfc1321

import { branchIf, get, i32, loop, set, v128, WasmFunction, type Code } from "./wasm-code.ts";

export const MD5_BLOCK_BYTES = 64;
/** The four numbers that a message's state is. */
export const MD5_STATE_WORDS = 4;

/** How many messages at once: a plain chain, a chain of vectors, two chains of vectors. */
export type LaneCount = 1 | 4 | 8;

const VECTOR_LANES = 4;
const WORDS = 16;
const STEPS = 64;
const WORD_BYTES = 4;
const VECTOR_BYTES = 16;

/** Where the function's memory holds what it works with. */
export const MD5_LAYOUT = {
  /** The address of each lane's next block. */
  pointers: 0,
  /** The states: word by word, in each the lanes in order. */
  states: 64,
  /** The 64 constants of the algorithm, each of them four times. */
  constants: 256,
  end: 256 + STEPS * VECTOR_BYTES,
} as const;

// Picks of a shuffle: the lower or upper two words of each vector, alternating; the lower or upper halves.
const LOW_WORDS = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const HIGH_WORDS = LOW_WORDS.map((pick) => pick + 8);
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const HIGH_HALVES = LOW_HALVES.map((pick) => pick + 8);

/** By round: step s takes the word of index (factor * s + start) % 16. */
const WORD_ORDER = [
  [1, 0],
  [5, 1],
  [3, 5],
  [7, 0],
] as const;

/** By round, and by step modulo 4. */
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

/** The operations that a chain consists of, on numbers or on vectors of them. */
interface Words {
  readonly type: "i32" | "v128";
  readonly load: (address: Code, offset?: number) => Code;
  readonly store: (address: Code, value: Code, offset?: number) => Code;
  readonly add: (left: Code, right: Code) => Code;
  readonly and: (left: Code, right: Code) => Code;
  readonly or: (left: Code, right: Code) => Code;
  readonly xor: (left: Code, right: Code) => Code;
  readonly andNot: (left: Code, right: Code) => Code;
  readonly not: (value: Code) => Code;
  readonly rotateLeft: (value: Code, bits: number) => Code;
}

const NUMBERS: Words = { type: "i32", ...i32 };
const VECTORS: Words = {
  type: "v128",
  ...v128,
  add: v128.add32,
  rotateLeft: v128.rotateLeft32,
};

/** The algorithm's constants as `MD5_LAYOUT.constants` wants them. */
export function md5Constants(): Uint32Array {
  return Uint32Array.from({ length: STEPS * VECTOR_LANES }, (_, at) =>
    Math.floor(2 ** 32 * Math.abs(Math.sin(Math.floor(at / VECTOR_LANES) + 1))),
  );
}

/** `run(blockCount)`: takes so many blocks, at least one, of each lane; the states go on from what they are. */
export function md5Code(lanes: LaneCount): Uint8Array {
  const run = new WasmFunction(["i32"]);
  const words = lanes === 1 ? NUMBERS : VECTORS;
  const offset = run.local("i32");
  const left = 0;
  const pointers = Array.from({ length: lanes }, () => run.local("i32"));
  for (const [lane, pointer] of pointers.entries()) {
    run.emit(set(pointer, i32.load(i32.constant(MD5_LAYOUT.pointers), lane * WORD_BYTES)));
  }
  const chains = Array.from({ length: Math.ceil(lanes / VECTOR_LANES) }, (_, nth) => {
    const own = pointers.slice(nth * VECTOR_LANES, (nth + 1) * VECTOR_LANES);
    return new Chain(
      run,
      words,
      own.map((pointer) => i32.add(get(pointer), get(offset))),
    );
  });
  const stateAt = (word: number, nth: number): number =>
    MD5_LAYOUT.states + (word * lanes + nth * VECTOR_LANES) * WORD_BYTES;
  for (const [nth, chain] of chains.entries()) {
    for (const [word, local] of chain.state.entries()) {
      run.emit(set(local, words.load(i32.constant(stateAt(word, nth)))));
    }
  }
  run.emit(
    loop(
      ...chains.map((chain) => chain.begin()),
      ...Array.from({ length: STEPS }, (_, step) => chains.map((chain) => chain.step(step))),
      ...chains.map((chain) => chain.end()),
      set(offset, i32.add(get(offset), i32.constant(MD5_BLOCK_BYTES))),
      set(left, i32.subtract(get(left), i32.constant(1))),
      branchIf(get(left), 0),
    ),
  );
  for (const [nth, chain] of chains.entries()) {
    for (const [word, local] of chain.state.entries()) {
      run.emit(words.store(i32.constant(stateAt(word, nth)), get(local)));
    }
  }
  return run.module();
}

/** The steps of one message, or of four. */
class Chain {
  readonly state: readonly number[];
  readonly #words: Words;
  readonly #addresses: readonly Code[];
  readonly #work: number[];
  readonly #message: readonly number[];
  readonly #spare: readonly number[];

  constructor(run: WasmFunction, words: Words, addresses: readonly Code[]) {
    const locals = (count: number) => Array.from({ length: count }, () => run.local(words.type));
    this.#words = words;
    this.#addresses = addresses;
    this.state = locals(MD5_STATE_WORDS);
    this.#work = locals(MD5_STATE_WORDS);
    this.#message = locals(WORDS);
    this.#spare = locals(2);
  }

  /** Loads a block of each message. */
  begin(): Code {
    return [
      this.#work.map((local, word) => set(local, get(this.state[word] ?? 0))),
      this.#words.type === "i32" ? this.#loadBlock() : this.#loadBlocks(),
    ];
  }

  step(step: number): Code {
    const { add, load, rotateLeft } = this.#words;
    const round = Math.floor(step / WORDS);
    const [a = 0, b = 0, c = 0, d = 0] = this.#work;
    // The next step knows what is a now by the name of b.
    this.#work.splice(0, MD5_STATE_WORDS, d, a, b, c);
    const at = MD5_LAYOUT.constants + step * VECTOR_BYTES;
    const constant = load(i32.constant(at));
    const word = get(this.#message[wordOf(round, step)] ?? 0);
    // What does not depend on the step before comes first.
    const early = add(add(word, constant), get(a));
    const sum = add(early, this.#mixed(round, get(b), get(c), get(d)));
    const shift = SHIFTS[round]?.[step % 4] ?? 0;
    return [set(a, sum), set(a, add(rotateLeft(get(a), shift), get(b)))];
  }

  /** After 64 steps, which is a multiple of four, the names are what they were. */
  end(): Code {
    return this.state.map((local, word) =>
      set(local, this.#words.add(get(local), get(this.#work[word] ?? 0))),
    );
  }

  /** The four functions of the algorithm; of b, the newest, as little as possible waits. */
  #mixed(round: number, b: Code, c: Code, d: Code): Code {
    const { and, andNot, not, or, xor } = this.#words;
    if (round === 0) return xor(d, and(b, xor(c, d)));
    if (round === 1) return or(andNot(c, d), and(b, d));
    if (round === 2) return xor(b, xor(c, d));
    return xor(c, or(b, not(d)));
  }

  #loadBlock(): Code {
    const [address = []] = this.#addresses;
    return this.#message.map((local, word) => set(local, i32.load(address, word * WORD_BYTES)));
  }

  /** Sixteen vectors, in each one word of every message: four by four, rows are turned into columns. */
  #loadBlocks(): Code {
    return Array.from({ length: WORDS / VECTOR_LANES }, (_, quarter) => {
      const rows = this.#addresses.map((address) => v128.load(address, quarter * VECTOR_BYTES));
      return this.#transpose(rows, quarter * VECTOR_LANES);
    });
  }

  /** Sets four vectors of the message, from `first`, to the columns of the rows. */
  #transpose(rows: readonly Code[], first: number): Code {
    const [one = 0, two = 0, three = 0, four = 0] = this.#message.slice(first);
    const [low = 0, high = 0] = this.#spare;
    const [row1 = [], row2 = [], row3 = [], row4 = []] = rows;
    return [
      [set(one, row1), set(two, row2), set(three, row3), set(four, row4)],
      [set(low, picked(one, two, LOW_WORDS)), set(high, picked(one, two, HIGH_WORDS))],
      // From here on `one` and `two` are free.
      [set(one, picked(three, four, LOW_WORDS)), set(four, picked(three, four, HIGH_WORDS))],
      [set(two, picked(low, one, HIGH_HALVES)), set(one, picked(low, one, LOW_HALVES))],
      [set(three, picked(high, four, LOW_HALVES)), set(four, picked(high, four, HIGH_HALVES))],
    ];
  }
}

function picked(left: number, right: number, picks: readonly number[]): Code {
  return v128.shuffle(get(left), get(right), picks);
}

/** Which word a step takes. */
function wordOf(round: number, step: number): number {
  const [factor = 1, start = 0] = WORD_ORDER[round] ?? [];
  return (factor * step + start) % WORDS;
}
