// Shortens a message without changing its CRC-64/NVME: a vector loop in WebAssembly that needs no tables, several times as
// fast as computing the CRC byte by byte, which then is done for what is left. It rests on a multiple of the CRC's
// polynomial with only eight terms: adding that multiple, moved to where a byte stands, takes the byte away and puts it
// in seven places behind; so bytes are taken away from the front until there are not enough behind.

import { assert } from "./assert.ts";
import { branchIf, get, i32, loop, set, v128, WasmFunction, type Code } from "./wasm-code.ts";
import {
  compileWasm,
  createWasmMemory,
  instantiateWasm,
  WASM_PAGE_BYTES,
  type WasmModule,
} from "./web-assembly.ts";

/**
 * How far behind a byte the seven places are, in bytes. Found by a birthday search among the powers of x^8 modulo the
 * polynomial; a test multiplies it out. The shortest distance bounds how many bytes one turn of the loop may take.
 */
export const FOLD_DISTANCES = [152, 315, 805, 919, 1070, 1127, 1795] as const;

const VECTOR_BYTES = 16;
/** What one turn of the loop takes away. */
const TURN_BYTES = 64;
const REACH = Math.max(...FOLD_DISTANCES);
/** At least so much is left of a message, in bytes: all places behind, in whole turns. */
export const FOLD_REST_MIN = Math.ceil(REACH / TURN_BYTES) * TURN_BYTES;
/** And less than so much. */
export const FOLD_REST_BOUND = FOLD_REST_MIN + TURN_BYTES;
/** The longest message, in bytes. */
export const FOLD_BYTES_MAX = 68 * 1024;

/** Before and behind the message there is nothing: zeros, as far as distances reach. */
const MESSAGE_AT = FOLD_REST_MIN;
const REST_AT = MESSAGE_AT + FOLD_BYTES_MAX + FOLD_REST_MIN;
const MEMORY_BYTES = REST_AT + FOLD_REST_BOUND;

type Run = (from: number, end: number, to: number) => void;

export class Crc64Fold {
  readonly #memory: Uint8Array;
  readonly #run: Run;

  /** Undefined where the engine has no vectors: on very old processors. */
  static create(): Crc64Fold | undefined {
    try {
      return new Crc64Fold(compileWasm(foldCode()));
    } catch {
      return undefined;
    }
  }

  private constructor(module: WasmModule) {
    const memory = createWasmMemory(Math.ceil(MEMORY_BYTES / WASM_PAGE_BYTES));
    const exports = instantiateWasm(module, { imports: { memory } });
    this.#memory = new Uint8Array(memory.buffer);
    this.#run = (exports as { readonly run: Run }).run;
  }

  /**
   * Folds two pieces of a message, one after the other, more than `FOLD_REST_BOUND` bytes together. What is left goes to
   * `rest`; its length is returned. The CRC must begin from zero: `isFirst` says that it began from all ones, which is
   * the same as inverting the first eight bytes.
   */
  fold(pieces: readonly [Uint8Array, Uint8Array], rest: Uint8Array, isFirst: boolean): number {
    const [head, tail] = pieces;
    const sizeBytes = head.length + tail.length;
    assert(sizeBytes > FOLD_REST_BOUND && sizeBytes <= FOLD_BYTES_MAX, "a message fits");
    const memory = this.#memory;
    memory.set(head, MESSAGE_AT);
    memory.set(tail, MESSAGE_AT + head.length);
    if (isFirst) invertStart(memory, MESSAGE_AT);
    const restBytes = FOLD_REST_MIN + ((sizeBytes - FOLD_REST_MIN) % TURN_BYTES);
    const cut = MESSAGE_AT + sizeBytes - restBytes;
    memory.copyWithin(REST_AT, cut, cut + restBytes);
    memory.fill(0, cut, cut + restBytes);
    this.#run(MESSAGE_AT - REACH, cut - REACH, MESSAGE_AT);
    this.#run(cut - REACH, cut - REACH + FOLD_REST_MIN, REST_AT);
    rest.set(memory.subarray(REST_AT, REST_AT + restBytes));
    return restBytes;
  }
}

/** Turns a CRC that begins from all ones into one that begins from zero, and back. */
export function invertStart(message: Uint8Array, at = 0): void {
  for (let index = at; index < at + 8; index += 1) message[index] = ~(message[index] ?? 0);
}

/** `run(from, end, to)`: adds, vector by vector, what lies the distances before to what is at `to`. */
function foldCode(): Uint8Array {
  const run = new WasmFunction(["i32", "i32", "i32"]);
  const [from, end, to] = [0, 1, 2];
  const vectors: Code[] = [];
  for (let at = 0; at < TURN_BYTES; at += VECTOR_BYTES) {
    const sum = FOLD_DISTANCES.map((distance) => v128.load(get(from), REACH - distance + at));
    const folded = sum.reduce((left, right) => v128.xor(left, right), v128.load(get(to), at));
    vectors.push(v128.store(get(to), folded, at));
  }
  run.emit(
    loop(...vectors, advance(from), advance(to), branchIf(i32.isUnequal(get(from), get(end)), 0)),
  );
  return run.module();
}

/** Moves a pointer on by a turn. */
function advance(pointer: number): Code {
  return set(pointer, i32.add(get(pointer), i32.constant(TURN_BYTES)));
}
