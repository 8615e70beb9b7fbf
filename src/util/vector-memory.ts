// Memories in which vector kernels work on bytes where they lie: whatever is elsewhere they have to copy in first, which
// costs as much as the work itself. A memory is known by its buffer, so that whoever is handed a view finds it.

import { isAddressSpaceLimited } from "./address-limit.ts";
import { createWasmMemory, WASM_PAGE_BYTES, type WasmMemory } from "./web-assembly.ts";

/** What kernels may have for themselves at the beginning of every memory; each says which part of it is its own. */
export const KERNEL_ROOM_BYTES = 24 * 1024;
/** Buffers begin with a line of the processor's cache. */
const ALIGNMENT_BYTES = 64;
/** Each memory costs ten gibibytes of addresses, so that buffers share one. */
const SLAB_BYTES = 4 * 1024 * 1024;

const memories = new WeakMap<ArrayBufferLike, WasmMemory>();

/** The memory that these bytes are in, if kernels can work on them there. */
export function vectorMemoryOf(bytes: Uint8Array): WasmMemory | undefined {
  return memories.get(bytes.buffer);
}

/** A buffer, zero, in a memory of its own. @throws when the system has no room for many memories. */
export function allocateVector(sizeBytes: number): Uint8Array {
  return Buffer.from(newMemory(sizeBytes).buffer, KERNEL_ROOM_BYTES, sizeBytes);
}

/**
 * Buffers of one size that share memories, up to a bound. A memory goes only with the last of its buffers: they are
 * for pools that keep them.
 */
export class VectorSlabs {
  readonly #sizeBytes: number;
  readonly #strideBytes: number;
  #countLeft: number;
  #memory: WasmMemory | undefined;
  #nextOffset = 0;

  constructor(sizeBytes: number, totalBytesMax: number) {
    this.#sizeBytes = sizeBytes;
    this.#strideBytes = Math.ceil(sizeBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    this.#countLeft = Math.floor(totalBytesMax / this.#strideBytes);
  }

  /** A new buffer, zero; undefined when there are as many as there may be, or the system has no room. */
  allocate(): Uint8Array | undefined {
    if (this.#countLeft === 0) return undefined;
    this.#countLeft -= 1;
    const memory = (this.#memory ??= this.#newSlab());
    if (memory === undefined) return undefined;
    const start = this.#nextOffset;
    this.#nextOffset += this.#strideBytes;
    if (this.#nextOffset + this.#strideBytes > memory.buffer.byteLength) this.#memory = undefined;
    return Buffer.from(memory.buffer, start, this.#sizeBytes);
  }

  #newSlab(): WasmMemory | undefined {
    this.#nextOffset = KERNEL_ROOM_BYTES;
    const count = Math.max(1, Math.floor((SLAB_BYTES - KERNEL_ROOM_BYTES) / this.#strideBytes));
    try {
      return newMemory(Math.min(count, this.#countLeft + 1) * this.#strideBytes);
    } catch {
      // Asking again would be slow each time.
      this.#countLeft = 0;
      return undefined;
    }
  }
}

/** With so many bytes behind the room for kernels. */
function newMemory(sizeBytes: number): WasmMemory {
  if (isAddressSpaceLimited()) throw new RangeError("the system bounds addresses (ulimit -v)");
  const memory = createWasmMemory(Math.ceil((KERNEL_ROOM_BYTES + sizeBytes) / WASM_PAGE_BYTES));
  memories.set(memory.buffer, memory);
  return memory;
}
