// The state of a simulated drive: folders and files, each twice: as the running system sees them, and as they would be
// found after a power cut. Bytes become durable with the sync of their file, names with the sync of their folder.

import { DiskError } from "./disk.ts";
import type { SeededRandom } from "../util/seeded-random.ts";

export type SimNode = SimFile | SimFolder;

/** What a power cut does to what was not synced: it is gone, or a part of it has reached the platter. */
export type Unsynced = "lost" | "torn";

export class SimFile {
  readonly kind = "file";
  #bytes = Buffer.alloc(0);
  #sizeBytes = 0;
  #durable = Buffer.alloc(0);

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(chunk: Uint8Array): void {
    const end = this.#sizeBytes + chunk.length;
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#sizeBytes);
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#sizeBytes);
    this.#sizeBytes = end;
  }

  read(target: Uint8Array, offset: number): number {
    const bytes = this.#bytes.subarray(offset, Math.min(offset + target.length, this.#sizeBytes));
    target.set(bytes);
    return bytes.length;
  }

  sync(): void {
    this.#durable = Buffer.from(this.#content());
  }

  crash(unsynced: Unsynced, random: SeededRandom): void {
    const kept = Buffer.from(this.#durable);
    const extra = this.#content().subarray(kept.length);
    const tornBytes = unsynced === "torn" ? random.below(extra.length + 1) : 0;
    this.#replace(Buffer.concat([kept, extra.subarray(0, tornBytes)]));
  }

  /** Changes the bytes behind the system's back, durably, as rot does. */
  rot(change: (content: Buffer) => Uint8Array): void {
    this.#replace(change(Buffer.from(this.#content())));
  }

  #replace(content: Uint8Array): void {
    this.#bytes = Buffer.from(content);
    this.#sizeBytes = content.length;
    this.#durable = Buffer.from(content);
  }

  #content(): Buffer {
    return this.#bytes.subarray(0, this.#sizeBytes);
  }
}

export class SimFolder {
  readonly kind = "folder";
  readonly entries = new Map<string, SimNode>();
  #durable = new Map<string, SimNode>();

  sync(): void {
    this.#durable = new Map(this.entries);
  }

  crash(unsynced: Unsynced, random: SeededRandom): void {
    const names = new Set([...this.#durable.keys(), ...this.entries.keys()]);
    for (const name of names) {
      const isNewState = unsynced === "torn" && random.below(2) === 1;
      const node = (isNewState ? this.entries : this.#durable).get(name);
      if (node === undefined) this.entries.delete(name);
      else this.entries.set(name, node);
    }
    this.sync();
    for (const node of this.entries.values()) node.crash(unsynced, random);
  }

  /** Bytes of all files below. */
  usedBytes(): number {
    let sum = 0;
    for (const node of this.entries.values()) {
      sum += node.kind === "file" ? node.sizeBytes : node.usedBytes();
    }
    return sum;
  }

  /** Files and folders below. */
  usedInodes(): number {
    let sum = 0;
    for (const node of this.entries.values()) {
      sum += node.kind === "file" ? 1 : 1 + node.usedInodes();
    }
    return sum;
  }
}

/** @throws DiskError ENOENT, or OTHER when a file stands where a folder is needed. */
export function folderAt(root: SimFolder, path: string): SimFolder {
  let folder = root;
  for (const name of path === "" ? [] : path.split("/")) {
    const node = folder.entries.get(name);
    if (node === undefined) throw new DiskError("ENOENT", `${path}: there is no such folder`);
    if (node.kind === "file") throw new DiskError("OTHER", `${path}: a file is in the way`);
    folder = node;
  }
  return folder;
}
