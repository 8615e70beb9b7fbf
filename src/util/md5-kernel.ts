// The functions of `md5Code` with the memory that they work in: slots in which messages wait.

import { assert } from "./assert.ts";
import { MD5_LAYOUT, MD5_STATE_WORDS, md5Code, md5Constants, type LaneCount } from "./md5-code.ts";
import {
  compileWasm,
  createWasmMemory,
  instantiateWasm,
  WASM_PAGE_BYTES,
  type WasmMemory,
} from "./web-assembly.ts";

/** A message in a slot. */
export interface Md5Lane {
  /** Its four numbers; they go on from block to block. */
  readonly state: Uint32Array;
  readonly waitingBlocks: number;
  /** Where the next block stands in the memory. */
  readonly nextAddress: number;
  /** So many blocks have been hashed. */
  advance(blockCount: number): void;
}

/** So many messages at a time. */
export const LANES_MAX = 8;

export interface Md5Slot {
  readonly bytes: Buffer;
  /** Of the message in it. */
  readonly state: Uint32Array;
}

/** The state of a message of which nothing has been hashed. */
export const MD5_INITIAL_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;

type Run = (blockCount: number) => void;

const WORD_BYTES = 4;
const POINTERS = MD5_LAYOUT.pointers / WORD_BYTES;
const STATES = MD5_LAYOUT.states / WORD_BYTES;

export class Md5Kernel {
  readonly #slotCount: number;
  readonly #slotBytes: number;
  readonly #memory: WasmMemory;
  readonly #words: Uint32Array;
  readonly #runs: Readonly<Record<LaneCount, Run>>;

  /** Undefined where the engine has no vectors, or no room. */
  static create(slotCount: number, slotBytes: number): Md5Kernel | undefined {
    try {
      return new Md5Kernel(slotCount, slotBytes);
    } catch {
      return undefined;
    }
  }

  private constructor(slotCount: number, slotBytes: number) {
    const sizeBytes = MD5_LAYOUT.end + slotCount * slotBytes;
    const memory = createWasmMemory(Math.ceil(sizeBytes / WASM_PAGE_BYTES));
    const load = (lanes: LaneCount): Run => {
      const exports = instantiateWasm(compileWasm(md5Code(lanes)), { imports: { memory } });
      return (exports as { readonly run: Run }).run;
    };
    this.#slotCount = slotCount;
    this.#slotBytes = slotBytes;
    this.#memory = memory;
    this.#words = new Uint32Array(memory.buffer, 0, MD5_LAYOUT.end / WORD_BYTES);
    this.#words.set(md5Constants(), MD5_LAYOUT.constants / WORD_BYTES);
    this.#runs = { 1: load(1), 4: load(4), 8: load(8) };
  }

  /** All slots; the memory never grows, so that they stay where they are. */
  slots(): readonly Md5Slot[] {
    const { buffer } = this.#memory;
    return Array.from({ length: this.#slotCount }, (_, nth) => ({
      bytes: Buffer.from(buffer, MD5_LAYOUT.end + nth * this.#slotBytes, this.#slotBytes),
      state: new Uint32Array(MD5_STATE_WORDS),
    }));
  }

  /** Hashes as many blocks of each lane as all of them have. One to eight lanes; each has a block at least. */
  run(lanes: readonly Md5Lane[]): void {
    const [first] = lanes;
    assert(first !== undefined && lanes.length <= LANES_MAX, "there are lanes, and not too many");
    let blockCount = first.waitingBlocks;
    for (const lane of lanes) blockCount = Math.min(blockCount, lane.waitingBlocks);
    assert(blockCount > 0, "every lane has something to hash");
    const width = lanes.length === 1 ? 1 : lanes.length <= 4 ? 4 : 8;
    for (let nth = 0; nth < width; nth += 1) this.#load(nth, width, lanes[nth] ?? first);
    this.#runs[width](blockCount);
    for (let nth = 0; nth < lanes.length; nth += 1) this.#save(nth, width, lanes[nth] ?? first);
    for (const lane of lanes) lane.advance(blockCount);
  }

  /** Lanes that nobody needs are given the first one's message, to no end. */
  #load(nth: number, width: LaneCount, lane: Md5Lane): void {
    this.#words[POINTERS + nth] = lane.nextAddress;
    for (let word = 0; word < MD5_STATE_WORDS; word += 1) {
      this.#words[STATES + word * width + nth] = lane.state[word] ?? 0;
    }
  }

  #save(nth: number, width: LaneCount, lane: Md5Lane): void {
    for (let word = 0; word < MD5_STATE_WORDS; word += 1) {
      lane.state[word] = this.#words[STATES + word * width + nth] ?? 0;
    }
  }
}
