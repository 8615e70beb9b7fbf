// A file of a simulated drive: its bytes as the running system sees them, and how many of them a power cut leaves. Files
// are only appended to, so what is durable is a beginning of what is seen; only faults change bytes in between.

import type { SeededRandom } from "../util/seeded-random.ts";

/**
 * What a power cut does to what was not synced: all of it is gone ("lost"); a part of each file, cut anywhere, and any of
 * the names, in any order, has reached the platter ("torn"); or any of its sectors have, with zeros between them
 * ("scattered").
 */
export type Unsynced = "lost" | "scattered" | "torn";

/** What a drive writes in one piece, unless it is cut off even within that. */
const SECTOR_BYTES = 512;
const ROOM_BYTES_MIN = 256;

export class SimFile {
  readonly kind = "file";
  #bytes = Buffer.alloc(0);
  #sizeBytes = 0;
  #durableBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(chunk: Uint8Array): void {
    const end = this.#sizeBytes + chunk.length;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2, ROOM_BYTES_MIN));
      this.#bytes.copy(grown, 0, 0, this.#sizeBytes);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#sizeBytes);
    this.#sizeBytes = end;
  }

  read(target: Uint8Array, offset: number): number {
    const end = Math.min(offset + target.length, this.#sizeBytes);
    if (offset >= end) return 0;
    target.set(this.#bytes.subarray(offset, end));
    return end - offset;
  }

  sync(): void {
    this.#durableBytes = this.#sizeBytes;
  }

  crash(unsynced: Unsynced, random: SeededRandom): void {
    const extra = this.#sizeBytes - this.#durableBytes;
    const keptBytes = unsynced === "lost" ? 0 : random.below(extra + 1);
    const end = this.#durableBytes + keptBytes;
    if (unsynced === "scattered") {
      for (let at = this.#durableBytes; at < end; at += SECTOR_BYTES) {
        if (random.below(2) === 0) this.#bytes.fill(0, at, Math.min(at + SECTOR_BYTES, end));
      }
    }
    this.#sizeBytes = end;
    this.#durableBytes = end;
  }

  /** Writes bytes where nobody asked for them, durably, as far as the file goes. */
  overwrite(offset: number, bytes: Uint8Array): void {
    const room = Math.max(0, this.#sizeBytes - offset);
    this.#bytes.set(bytes.subarray(0, room), Math.min(offset, this.#sizeBytes));
  }

  /** Changes the bytes behind the system's back, durably, as rot does. */
  rot(change: (content: Buffer) => Uint8Array): void {
    const content = Buffer.from(change(Buffer.from(this.content())));
    this.#bytes = content;
    this.#sizeBytes = content.length;
    this.#durableBytes = content.length;
  }

  /** Not a copy. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#sizeBytes);
  }
}
