// The state of a simulated drive: folders and files, each twice: as the running system sees them, and as they would be
// found after a power cut. Bytes become durable with the sync of their file, names with the sync of their folder.

import type { SeededRandom } from "../util/seeded-random.ts";
import { DiskError } from "./disk.ts";
import type { SimFile, Unsynced } from "./sim-file.ts";

export type SimNode = SimFile | SimFolder;

export class SimFolder {
  readonly kind = "folder";
  readonly entries = new Map<string, SimNode>();
  #durable = new Map<string, SimNode>();

  sync(): void {
    this.#durable = new Map(this.entries);
  }

  /** Each name that was not synced is as before or as it is now, whatever happened to the others: in any order. */
  crash(unsynced: Unsynced, random: SeededRandom): void {
    const names = new Set([...this.#durable.keys(), ...this.entries.keys()]);
    for (const name of names) {
      const isNewState = unsynced !== "lost" && random.below(2) === 1;
      const node = (isNewState ? this.entries : this.#durable).get(name);
      if (node === undefined) this.entries.delete(name);
      else this.entries.set(name, node);
    }
    this.sync();
    for (const node of this.entries.values()) node.crash(unsynced, random);
  }

  /** All files below, with their paths. */
  *files(above = ""): Generator<{ readonly path: string; readonly file: SimFile }, void> {
    for (const [name, node] of this.entries) {
      const path = above + name;
      if (node.kind === "file") yield { path, file: node };
      else yield* node.files(`${path}/`);
    }
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
