// The MD5 of several messages that come in at the same time, hashed beside each other: eight together take half as long
// again as one alone. A message's bytes wait in a slot of the memory until there is no room for more, or its end has
// come; then the bytes that wait in other slots are taken along, as far as they go. Nothing ever waits for the others. A
// message that begins while there is no other is hashed by Node.

import { createHash, type Hash } from "node:crypto";
import { assert } from "./assert.ts";
import { MD5_BLOCK_BYTES } from "./md5-code.ts";
import {
  LANES_MAX,
  MD5_INITIAL_STATE,
  Md5Kernel,
  type Md5Lane,
  type Md5Slot,
} from "./md5-kernel.ts";

export interface Md5Stream {
  /** Takes the next bytes; they are the caller's again at once. */
  update(bytes: Uint8Array): void;
  /** Ends the stream: its MD5 in hex. Call it once. */
  digestHex(): string;
  /**
   * Ends a stream that may not have been ended, so that another can have its slot. Whoever opens a stream and does not
   * come to its digest must call it; calling it too often is nothing.
   */
  discard(): void;
}

/** Bytes that wait in a slot: four times what a socket brings at once. With half as many, two lanes were usual. */
const SLOT_DATA_BYTES = 256 * 1024;
/** Behind them there is room for the end of a message. */
const SLOT_BYTES = SLOT_DATA_BYTES + 2 * MD5_BLOCK_BYTES;
/** Streams beyond so many are hashed by Node: slow clients may hold slots for long. */
const SLOTS_MAX = 32;
/** The length of the message, in bits, at its end. */
const LENGTH_BYTES = 8;
/** A stream with less waiting than this is not worth its place in a call, but for the one that must be hashed. */
const COMPANION_BLOCKS_MIN = 16;

let shared: Md5Lanes | undefined;

/** A new message, hashed beside all others of the process. */
export function openMd5(): Md5Stream {
  shared ??= new Md5Lanes();
  return shared.open();
}

/** Exported for tests. */
export class Md5Lanes {
  readonly #kernel = Md5Kernel.create(SLOTS_MAX, SLOT_BYTES);
  /** Freed last, used first: it may still be in the processor's cache. */
  readonly #freeSlots = [...(this.#kernel?.slots() ?? [])];
  readonly #open = new Set<LaneStream>();
  /** Hashed by Node: streams that began alone, to be spared the copy into a slot, or that found no free slot. */
  readonly #others = new Set<NodeStream>();

  open(): Md5Stream {
    const isAlone = this.#open.size + this.#others.size === 0;
    const slot = isAlone ? undefined : this.#freeSlots.pop();
    if (slot === undefined) {
      const other = new NodeStream(this.#others);
      this.#others.add(other);
      return other;
    }
    const stream = new LaneStream(slot, this);
    this.#open.add(stream);
    return stream;
  }

  /** Hashes all whole blocks of a stream, and what others have waiting beside them. */
  drain(stream: LaneStream): void {
    while (stream.waitingBlocks > 0) this.#kernel?.run([stream, ...this.#companionsOf(stream)]);
  }

  close(stream: LaneStream): void {
    if (this.#open.delete(stream)) this.#freeSlots.push(stream.slot);
  }

  #companionsOf(stream: LaneStream): readonly LaneStream[] {
    if (this.#open.size === 1) return [];
    return [...this.#open]
      .filter((other) => other !== stream && other.waitingBlocks >= COMPANION_BLOCKS_MIN)
      .toSorted((left, right) => right.waitingBlocks - left.waitingBlocks)
      .slice(0, LANES_MAX - 1);
  }
}

/** A stream that is hashed beside others. */
class LaneStream implements Md5Stream, Md5Lane {
  readonly slot: Md5Slot;
  readonly #owner: Md5Lanes;
  /** Where in the slot the bytes that wait begin and end. */
  #start = 0;
  #end = 0;
  #sizeBytes = 0;
  #isOpen = true;

  constructor(slot: Md5Slot, owner: Md5Lanes) {
    this.slot = slot;
    this.#owner = owner;
    slot.state.set(MD5_INITIAL_STATE);
  }

  get state(): Uint32Array {
    return this.slot.state;
  }

  get waitingBlocks(): number {
    return Math.floor((this.#end - this.#start) / MD5_BLOCK_BYTES);
  }

  get nextAddress(): number {
    return this.slot.bytes.byteOffset + this.#start;
  }

  advance(blockCount: number): void {
    this.#start += blockCount * MD5_BLOCK_BYTES;
  }

  update(bytes: Uint8Array): void {
    assert(this.#isOpen, "bytes come before the end");
    this.#sizeBytes += bytes.length;
    let rest = bytes;
    while (rest.length > 0) {
      if (this.waitingBlocks === 0) this.#moveToFront();
      const room = SLOT_DATA_BYTES - this.#end;
      // Not in pieces, where it can be helped: what is hashed at once is best as long as the companions' bytes.
      if (room < Math.min(rest.length, SLOT_DATA_BYTES / 2) && this.waitingBlocks > 0) {
        this.#owner.drain(this);
        continue;
      }
      const taken = rest.length <= room ? rest : rest.subarray(0, room);
      this.slot.bytes.set(taken, this.#end);
      this.#end += taken.length;
      rest = rest.subarray(taken.length);
    }
  }

  digestHex(): string {
    assert(this.#isOpen, "a message ends once");
    this.#pad();
    this.#owner.drain(this);
    const digest = Buffer.from(this.slot.state.buffer).toString("hex");
    this.discard();
    return digest;
  }

  discard(): void {
    this.#isOpen = false;
    this.#owner.close(this);
  }

  /** The part of a block that is left. */
  #moveToFront(): void {
    this.slot.bytes.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** The end of every message: a single bit, zeros to the end of a block, and there the length in bits. */
  #pad(): void {
    const used = (this.#end - this.#start + 1 + LENGTH_BYTES) % MD5_BLOCK_BYTES;
    const zeros = (MD5_BLOCK_BYTES - used) % MD5_BLOCK_BYTES;
    const lengthAt = this.#end + 1 + zeros;
    const { bytes } = this.slot;
    bytes[this.#end] = 0x80;
    bytes.fill(0, this.#end + 1, lengthAt);
    bytes.writeUInt32LE((this.#sizeBytes * 8) % 2 ** 32, lengthAt);
    bytes.writeUInt32LE(Math.floor(this.#sizeBytes / 2 ** 29), lengthAt + 4);
    this.#end = lengthAt + LENGTH_BYTES;
  }
}

class NodeStream implements Md5Stream {
  readonly #hash: Hash = createHash("md5");
  readonly #open: Set<NodeStream>;

  constructor(open: Set<NodeStream>) {
    this.#open = open;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digestHex(): string {
    this.discard();
    return this.#hash.digest("hex");
  }

  discard(): void {
    this.#open.delete(this);
  }
}
