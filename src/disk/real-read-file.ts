// ReadFile on a descriptor.

import { fstat, type Stats } from "node:fs";
import { DiskError, type ReadFile } from "./disk.ts";
import type { FileCalls, ReadCall } from "./file-calls.ts";
import type { OpenFile } from "./open-file.ts";

/** @throws DiskError OTHER when it is no plain file; it is closed then. */
export async function openReadFile(file: OpenFile, calls: FileCalls): Promise<ReadFile> {
  try {
    const stats = await file.run<Stats>("fstat", fstat);
    if (!stats.isFile()) throw new DiskError("OTHER", `open ${file.path}: it is no plain file`);
    return new RealReadFile(file, calls.readsOf(stats.size), stats.size);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class RealReadFile implements ReadFile {
  readonly sizeBytes: number;
  readonly #file: OpenFile;
  readonly #readCall: ReadCall;

  constructor(file: OpenFile, readCall: ReadCall, sizeBytes: number) {
    this.#file = file;
    this.#readCall = readCall;
    this.sizeBytes = sizeBytes;
  }

  read(target: Uint8Array, offset: number): Promise<number> {
    return this.#readSome(target, offset).then((count) =>
      count === target.length || count === 0 ? count : this.#readRest(target, offset, count),
    );
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #readRest(target: Uint8Array, offset: number, before: number): Promise<number> {
    let filled = before;
    while (filled < target.length) {
      const count = await this.#readSome(target.subarray(filled), offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  #readSome(target: Uint8Array, offset: number): Promise<number> {
    return this.#file.run<number>("read", (descriptor, done) => {
      this.#readCall(descriptor, target, offset, done);
    });
  }
}
