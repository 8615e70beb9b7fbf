// Shortens a message without changing its CRC: a vector loop in WebAssembly that needs no tables, several times as fast as
// computing the CRC, which then is done for the little that is left. It rests on a multiple of the CRC's polynomial
// with few terms: adding that multiple, moved to where a byte stands, takes the byte away and puts it in a few places
// behind; so bytes are taken away from the front until there are not enough behind.

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
 * How far behind a byte the other places are, in bytes. Found by birthday searches among the powers of x^8 modulo the
 * polynomials; a test multiplies them out. The shortest distance bounds how many bytes one turn of the loop may take; a
 * short one is slow besides, since what it reads has not yet left the processor's store buffer.
 */
export const FOLD_DISTANCES = {
  CRC32C: [1747, 2830, 5321],
  CRC64NVME: [152, 315, 805, 919, 1070, 1127, 1795],
} as const;

const VECTOR_BYTES = 16;
/** What one turn of the loop takes away. */
const TURN_BYTES = 64;
/** The longest message, in bytes. */
export const FOLD_BYTES_MAX = 68 * 1024;

type Run = (from: number, end: number, to: number) => void;

export class CrcFold {
  /** Less than so much is left of a message, in bytes, which must be longer than that. */
  readonly restBound: number;
  readonly #reach: number;
  /** At least so much is left: all places behind, in whole turns. */
  readonly #restMin: number;
  readonly #restAt: number;
  readonly #memory: Uint8Array;
  readonly #run: Run;

  /** Undefined where the engine has no vectors, as on very old processors, or no room. */
  static create(polynomial: keyof typeof FOLD_DISTANCES): CrcFold | undefined {
    const distances = FOLD_DISTANCES[polynomial];
    try {
      return new CrcFold(compileWasm(foldCode(distances)), Math.max(...distances));
    } catch {
      return undefined;
    }
  }

  private constructor(module: WasmModule, reach: number) {
    this.#reach = reach;
    this.#restMin = Math.ceil(reach / TURN_BYTES) * TURN_BYTES;
    this.restBound = this.#restMin + TURN_BYTES;
    // Before and behind the message there is nothing: zeros, as far as distances reach.
    this.#restAt = this.#restMin + FOLD_BYTES_MAX + this.#restMin;
    const pageCount = Math.ceil((this.#restAt + this.restBound) / WASM_PAGE_BYTES);
    const memory = createWasmMemory(pageCount);
    const exports = instantiateWasm(module, { imports: { memory } });
    this.#memory = new Uint8Array(memory.buffer);
    this.#run = (exports as { readonly run: Run }).run;
  }

  /**
   * Folds two pieces of a message, one after the other. What is left is returned, and is there until the next fold; its
   * CRC must begin from zero. `start` is what the CRC of the message begins from: 32 bits of it, and as many more of a
   * longer CRC. It is added to the first bytes, which comes to the same.
   */
  fold(head: Uint8Array, tail: Uint8Array, start: number, startHigh = 0): Uint8Array {
    const sizeBytes = head.length + tail.length;
    assert(sizeBytes >= this.restBound && sizeBytes <= FOLD_BYTES_MAX, "a message fits");
    const memory = this.#memory;
    const messageAt = this.#restMin;
    memory.set(head, messageAt);
    memory.set(tail, messageAt + head.length);
    addNumber(memory, messageAt, start);
    addNumber(memory, messageAt + 4, startHigh);
    const restBytes = this.#restMin + ((sizeBytes - this.#restMin) % TURN_BYTES);
    const cut = messageAt + sizeBytes - restBytes;
    const restAt = this.#restAt;
    memory.copyWithin(restAt, cut, cut + restBytes);
    memory.fill(0, cut, cut + restBytes);
    this.#run(messageAt - this.#reach, cut - this.#reach, messageAt);
    this.#run(cut - this.#reach, cut - this.#reach + this.#restMin, restAt);
    return memory.subarray(restAt, restAt + restBytes);
  }
}

/** Adds 32 bits, the lowest first. */
function addNumber(bytes: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < 4; index += 1) {
    bytes[at + index] = (bytes[at + index] ?? 0) ^ (value >>> (8 * index));
  }
}

/** `run(from, end, to)`: adds, vector by vector, what lies the distances before to what is at `to`. */
function foldCode(distances: readonly number[]): Uint8Array {
  const run = new WasmFunction(["i32", "i32", "i32"]);
  const [from, end, to] = [0, 1, 2];
  const reach = Math.max(...distances);
  const vectors: Code[] = [];
  for (let at = 0; at < TURN_BYTES; at += VECTOR_BYTES) {
    const sum = distances.map((distance) => v128.load(get(from), reach - distance + at));
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
