// Folds a message (see crc-fold.ts) that lies in a memory for kernels: it is read once and left as it is. What is folded
// goes to a ring beside it, which stays in the processor's nearest cache, since no byte is needed again once the longest
// distance has passed. The ring stands there twice, one behind the other, so that what is before a place is always there
// in one piece.

import { assert } from "./assert.ts";
import { FOLD_DISTANCES } from "./crc-fold.ts";
import { KERNEL_ROOM_BYTES } from "./vector-memory.ts";
import { branchIf, get, i32, loop, set, v128, when, WasmFunction, type Code } from "./wasm-code.ts";
import { compileWasm, instantiateWasm, type WasmMemory, type WasmModule } from "./web-assembly.ts";

const VECTOR_BYTES = 16;
/** What one turn of the loop takes. */
const TURN_BYTES = 64;
const DISTANCES = FOLD_DISTANCES.CRC32C;
const REACH_BYTES = Math.max(...DISTANCES);
/** What is left at least, in whole turns: all that the last bytes that are taken away have an effect on. */
const REST_BYTES_MIN = Math.ceil(REACH_BYTES / TURN_BYTES) * TURN_BYTES;
/** A power of two, more than the longest distance and a turn. */
const RING_BYTES = 8 * 1024;
/** Behind what other kernels have: the ring, twice, then what is left of the message. */
const RING_AT = 1024;
const REST_AT = RING_AT + 2 * RING_BYTES;
const ROOM_END = REST_AT + REST_BYTES_MIN + TURN_BYTES;

/** Takes the message away up to `cut`, and writes down what that leaves up to `end`; both are whole turns further. */
type Run = (message: number, cut: number, end: number) => void;

interface Home {
  readonly bytes: Uint8Array;
  readonly run: Run;
}

export class InPlaceFold {
  readonly #module: WasmModule;
  readonly #homes = new WeakMap<WasmMemory, Home>();

  /** Undefined where the engine has no vectors. */
  static create(): InPlaceFold | undefined {
    try {
      return new InPlaceFold(compileWasm(foldCode()));
    } catch {
      return undefined;
    }
  }

  private constructor(module: WasmModule) {
    assert(ROOM_END <= KERNEL_ROOM_BYTES, "there is room beside the buffers");
    this.#module = module;
  }

  /**
   * What is left of a message in that memory, whose CRC must begin from zero: there until the next fold in it. `start` is
   * what the CRC of the message begins from.
   */
  fold(memory: WasmMemory, message: Uint8Array, start: number): Uint8Array {
    assert(message.length >= REST_BYTES_MIN, "a message is long enough");
    const { bytes, run } = this.#in(memory);
    const from = message.byteOffset;
    const restBytes = REST_BYTES_MIN + ((message.length - REST_BYTES_MIN) % TURN_BYTES);
    const cut = from + message.length - restBytes;
    const ringEnd = RING_AT + RING_BYTES;
    bytes.fill(0, ringEnd - REST_BYTES_MIN, ringEnd);
    // As far before the message as the longest distance: that adds it to the first bytes, and to no others.
    writeNumber(bytes, ringEnd - REACH_BYTES, start);
    run(from, cut, cut + REST_BYTES_MIN);
    const unchanged = cut + REST_BYTES_MIN;
    bytes.copyWithin(REST_AT + REST_BYTES_MIN, unchanged, from + message.length);
    return bytes.subarray(REST_AT, REST_AT + restBytes);
  }

  #in(memory: WasmMemory): Home {
    let home = this.#homes.get(memory);
    if (home === undefined) {
      const exports = instantiateWasm(this.#module, { imports: { memory } });
      const { run } = exports as { readonly run: Run };
      home = { bytes: new Uint8Array(memory.buffer), run };
      this.#homes.set(memory, home);
    }
    return home;
  }
}

/** The lowest byte first. */
function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < 4; index += 1) bytes[at + index] = value >>> (8 * index);
}

function foldCode(): Uint8Array {
  const run = new WasmFunction(["i32", "i32", "i32"]);
  const [message, cut, end] = [0, 1, 2];
  const ring = run.local("i32");
  const rest = run.local("i32");
  const folded = run.local("v128");
  const zero = run.local("v128");
  const moveOn = [
    set(message, i32.add(get(message), i32.constant(TURN_BYTES))),
    set(ring, i32.and(i32.add(get(ring), i32.constant(TURN_BYTES)), i32.constant(RING_BYTES - 1))),
  ];
  /** Puts a vector into both rings. */
  const keep = (value: number, at: number): Code => [
    v128.store(get(ring), get(value), RING_AT + at),
    v128.store(get(ring), get(value), RING_AT + RING_BYTES + at),
  ];
  /** A turn of vectors, each with the past added to it. */
  const turn = (use: (at: number) => Code): readonly Code[] => {
    const vectors: Code[] = [];
    for (let at = 0; at < TURN_BYTES; at += VECTOR_BYTES) {
      const past = DISTANCES.map((distance) =>
        v128.load(get(ring), RING_AT + RING_BYTES - distance + at),
      );
      const sum = past.reduce((left, right) => v128.xor(left, right), v128.load(get(message), at));
      vectors.push(set(folded, sum), use(at));
    }
    return vectors;
  };
  const take = loop(
    ...turn((at) => keep(folded, at)),
    ...moveOn,
    branchIf(i32.isUnequal(get(message), get(cut)), 0),
  );
  const leave = loop(
    ...turn((at) => [v128.store(get(rest), get(folded), REST_AT + at), keep(zero, at)]),
    ...moveOn,
    set(rest, i32.add(get(rest), i32.constant(TURN_BYTES))),
    branchIf(i32.isUnequal(get(message), get(end)), 0),
  );
  run.emit(when(i32.isUnequal(get(message), get(cut)), take), leave);
  return run.module();
}
