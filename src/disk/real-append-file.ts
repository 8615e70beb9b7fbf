// AppendFile on a descriptor. The first error makes it unusable: after a failed fsync the kernel may have dropped the
// pages and call the next fsync a success, so a retry would acknowledge bytes that are gone.

import { DiskError, type AppendFile } from "./disk.ts";
import type { FileCalls } from "./file-calls.ts";
import type { FileWrites } from "./memory-writes.ts";
import type { OpenFile } from "./open-file.ts";

export class RealAppendFile implements AppendFile {
  readonly #file: OpenFile;
  readonly #calls: FileCalls;
  readonly #writes: FileWrites;
  readonly #isSynced: boolean;
  #endOffset = 0;
  #failure: unknown;

  /** @param isSynced The descriptor is one whose writes are durable when they return. */
  constructor(file: OpenFile, calls: FileCalls, isSynced: boolean) {
    this.#file = file;
    this.#calls = calls;
    // What is durable with each write is written to for long: packs, journals.
    this.#writes = calls.writes(isSynced);
    this.#isSynced = isSynced;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    const offset = this.#endOffset;
    this.#endOffset += byteCount(chunks);
    this.#checkUsable();
    try {
      await this.#writeAll(chunks, offset);
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  async sync(): Promise<void> {
    this.#checkUsable();
    if (this.#isSynced) return;
    try {
      await this.#file.run<void>("fsync", (descriptor, done) => {
        this.#calls.fsync(descriptor, done);
      });
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  close(): Promise<void> {
    this.#writes.end();
    return this.#file.close();
  }

  /** @throws DiskError OTHER */
  #checkUsable(): void {
    if (this.#failure === undefined) return;
    const message = `${this.#file.path}: unusable after an error`;
    throw new DiskError("OTHER", message, { cause: this.#failure });
  }

  async #writeAll(chunks: readonly Uint8Array[], offset: number): Promise<void> {
    let rest = chunks;
    let left = byteCount(chunks);
    let at = offset;
    while (left > 0) {
      const written = await this.#write(rest, at);
      // A drive that takes nothing and says nothing would keep us here for ever.
      if (written === 0)
        throw new DiskError("EIO", `write ${this.#file.path}: nothing was written`);
      at += written;
      left -= written;
      if (left > 0) rest = dropBytes(rest, written);
    }
  }

  #write(chunks: readonly Uint8Array[], offset: number): Promise<number> {
    return this.#file.run<number>("write", (descriptor, done) => {
      this.#writes.writev(descriptor, chunks, offset, done);
    });
  }
}

function byteCount(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

/** What is left after a short write. */
function dropBytes(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  return chunks.flatMap((chunk) => {
    const dropped = Math.min(left, chunk.length);
    left -= dropped;
    return dropped === chunk.length ? [] : [chunk.subarray(dropped)];
  });
}
