// The MD5 of several messages that come in at the same time, hashed beside each other: eight together take half as long
// again as one alone. A message's bytes wait in a slot of the memory until there is no room for more, or its end has
// come; then the bytes that wait in other slots are taken along, as far as they go. Nothing ever waits for the others. A
// message that begins while there is no other is hashed by Node. One whose bytes hardly come gives its slot to another
// that needs it, and gets one again when it has bytes: slow clients, however many, leave the slots to the quick ones.

import { createHash, type Hash } from "node:crypto";
import { assert } from "./assert.ts";
import { MD5_BLOCK_BYTES } from "./md5-code.ts";
import { LANES_MAX, MD5_INITIAL_STATE, Md5Kernel, type Md5Lane } from "./md5-kernel.ts";

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
/** Streams beyond so many at a time are hashed by Node. */
const SLOTS_MAX = 32;
/** In the time in which every stream could have filled its slot so often, one that got nothing is idle. */
const IDLE_ROUNDS = 2;
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
  readonly #kernel = Md5Kernel.create(SLOTS_MAX + 1, SLOT_BYTES);
  /** Freed last, used first: it may still be in the processor's cache. */
  readonly #freeSlots = [...(this.#kernel?.slots() ?? [])].map(({ bytes }) => bytes);
  /** For a stream without a slot of its own, for as long as a call. */
  readonly #guestSlot = this.#freeSlots.pop();
  /** Those with a slot; the one whose bytes came longest ago is the first. */
  readonly #lanes = new Set<LaneStream>();
  #streamCount = 0;
  #takenBytes = 0;

  open(): Md5Stream {
    this.#streamCount += 1;
    // One that begins alone is spared the copy into a slot.
    const slot = this.#streamCount === 1 ? undefined : this.#findSlot();
    if (slot === undefined) return new NodeStream(this);
    const stream = new LaneStream(slot, this);
    stream.takenAt = this.#takenBytes;
    this.#lanes.add(stream);
    return stream;
  }

  /** Some stream got bytes. */
  noteBytes(sizeBytes: number): void {
    this.#takenBytes += sizeBytes;
  }

  /** A slot for a stream that gave its own away; the guests' must be left at once. */
  slotFor(stream: LaneStream): Buffer | undefined {
    const slot = this.#findSlot();
    if (slot === undefined) return this.#guestSlot;
    this.#lanes.add(stream);
    return slot;
  }

  /** It got bytes just now. */
  settle(stream: LaneStream): void {
    stream.takenAt = this.#takenBytes;
    if (this.#lanes.delete(stream)) this.#lanes.add(stream);
    else stream.leave();
  }

  /** Hashes all whole blocks of a stream, and what others have waiting beside them. */
  drain(stream: LaneStream): void {
    while (stream.waitingBlocks > 0) this.#kernel?.run([stream, ...this.#companionsOf(stream)]);
  }

  /** A stream has ended. */
  close(stream: LaneStream | NodeStream): void {
    this.#streamCount -= 1;
    if (stream instanceof NodeStream || !this.#lanes.delete(stream)) return;
    if (stream.slot !== undefined) this.#freeSlots.push(stream.slot);
  }

  /** A free one, or that of a stream that is idle. */
  #findSlot(): Buffer | undefined {
    const free = this.#freeSlots.pop();
    if (free !== undefined) return free;
    const [oldest] = this.#lanes;
    const idleBytes = IDLE_ROUNDS * SLOT_DATA_BYTES * this.#streamCount;
    if (oldest === undefined || this.#takenBytes - oldest.takenAt < idleBytes) return undefined;
    this.#lanes.delete(oldest);
    return oldest.leave();
  }

  #companionsOf(stream: LaneStream): readonly LaneStream[] {
    if (this.#lanes.size === 0) return [];
    return [...this.#lanes]
      .filter((other) => other !== stream && other.waitingBlocks >= COMPANION_BLOCKS_MIN)
      .toSorted((left, right) => right.waitingBlocks - left.waitingBlocks)
      .slice(0, LANES_MAX - 1);
  }
}

/** A stream that is hashed beside others. */
class LaneStream implements Md5Stream, Md5Lane {
  readonly state = Uint32Array.from(MD5_INITIAL_STATE);
  /** How much all streams had taken when this one got bytes last. */
  takenAt = 0;
  readonly #owner: Md5Lanes;
  #slot: Buffer | undefined;
  /** Where in the slot the bytes that wait begin and end. */
  #start = 0;
  #end = 0;
  /** What waits of a stream without a slot: less than a block. */
  #rest: Buffer | undefined;
  #sizeBytes = 0;
  #isOpen = true;

  constructor(slot: Buffer, owner: Md5Lanes) {
    this.#slot = slot;
    this.#owner = owner;
  }

  get slot(): Buffer | undefined {
    return this.#slot;
  }

  get waitingBlocks(): number {
    return Math.floor((this.#end - this.#start) / MD5_BLOCK_BYTES);
  }

  get nextAddress(): number {
    return (this.#slot?.byteOffset ?? 0) + this.#start;
  }

  advance(blockCount: number): void {
    this.#start += blockCount * MD5_BLOCK_BYTES;
  }

  /** Gives its slot away, and keeps what is left of a block. */
  leave(): Buffer | undefined {
    this.#owner.drain(this);
    const slot = this.#slot;
    if (slot !== undefined) this.#rest = Buffer.from(slot.subarray(this.#start, this.#end));
    this.#slot = undefined;
    this.#start = 0;
    this.#end = 0;
    return slot;
  }

  update(bytes: Uint8Array): void {
    assert(this.#isOpen, "bytes come before the end");
    this.#sizeBytes += bytes.length;
    this.#owner.noteBytes(bytes.length);
    const slot = this.#enter();
    let rest = bytes;
    while (rest.length > 0) {
      if (this.waitingBlocks === 0) this.#moveToFront(slot);
      const room = SLOT_DATA_BYTES - this.#end;
      // Not in pieces, where it can be helped: what is hashed at once is best as long as the companions' bytes.
      if (room < Math.min(rest.length, SLOT_DATA_BYTES / 2) && this.waitingBlocks > 0) {
        this.#owner.drain(this);
        continue;
      }
      const taken = rest.length <= room ? rest : rest.subarray(0, room);
      slot.set(taken, this.#end);
      this.#end += taken.length;
      rest = rest.subarray(taken.length);
    }
    this.#owner.settle(this);
  }

  digestHex(): string {
    assert(this.#isOpen, "a message ends once");
    this.#pad(this.#enter());
    this.#owner.drain(this);
    const digest = Buffer.from(this.state.buffer).toString("hex");
    this.discard();
    return digest;
  }

  discard(): void {
    if (this.#isOpen) this.#owner.close(this);
    this.#isOpen = false;
  }

  /** Its slot, or one in the place of that which it gave away. */
  #enter(): Buffer {
    if (this.#slot !== undefined) return this.#slot;
    const slot = this.#owner.slotFor(this);
    assert(slot !== undefined, "where there are lanes there is a slot for guests");
    const rest = this.#rest ?? Buffer.alloc(0);
    slot.set(rest);
    this.#slot = slot;
    this.#end = rest.length;
    return slot;
  }

  /** The part of a block that is left. */
  #moveToFront(slot: Buffer): void {
    slot.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** The end of every message: a single bit, zeros to the end of a block, and there the length in bits. */
  #pad(slot: Buffer): void {
    const used = (this.#end - this.#start + 1 + LENGTH_BYTES) % MD5_BLOCK_BYTES;
    const zeros = (MD5_BLOCK_BYTES - used) % MD5_BLOCK_BYTES;
    const lengthAt = this.#end + 1 + zeros;
    slot[this.#end] = 0x80;
    slot.fill(0, this.#end + 1, lengthAt);
    slot.writeUInt32LE((this.#sizeBytes * 8) % 2 ** 32, lengthAt);
    slot.writeUInt32LE(Math.floor(this.#sizeBytes / 2 ** 29), lengthAt + 4);
    this.#end = lengthAt + LENGTH_BYTES;
  }
}

/** A stream that began alone, or found no free slot. */
class NodeStream implements Md5Stream {
  readonly #hash: Hash = createHash("md5");
  readonly #owner: Md5Lanes;
  #isOpen = true;

  constructor(owner: Md5Lanes) {
    this.#owner = owner;
  }

  update(bytes: Uint8Array): void {
    this.#owner.noteBytes(bytes.length);
    this.#hash.update(bytes);
  }

  digestHex(): string {
    this.discard();
    return this.#hash.digest("hex");
  }

  discard(): void {
    if (this.#isOpen) this.#owner.close(this);
    this.#isOpen = false;
  }
}
