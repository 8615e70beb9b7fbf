// Which layouts writes that are under way may be using. A write begins before it asks for the layout, and is over once the
// metadata has answered it: what an older layout places is then either named or never will be. A pack is held from its
// opening until the metadata knows that it is sealed: its files grow once more, or go, when nobody writes to it any more.

import type { DriveSet } from "./drive-set.ts";

export class WriteTracker {
  readonly #drives: Pick<DriveSet, "written">;
  /** How many are under way, by the layout that was written by when they began. */
  readonly #counts = new Map<number, number>();

  constructor(drives: Pick<DriveSet, "written">) {
    this.#drives = drives;
  }

  /** No write that is under way, or will begin, uses an older layout. */
  get oldestLayout(): number {
    return Math.min(this.#drives.written.version, ...this.#counts.keys());
  }

  /** Runs a write, from before it stores anything until it is named, or never will be. */
  async run<Value>(write: () => Promise<Value>): Promise<Value> {
    const end = this.hold(this.#drives.written.version);
    try {
      return await write();
    } finally {
      end();
    }
  }

  /** Until what is returned is called, what that layout places may still change. Harmless when called again. */
  hold(version: number): () => void {
    this.#counts.set(version, (this.#counts.get(version) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#counts.get(version) ?? 1) - 1;
      if (left > 0) this.#counts.set(version, left);
      else this.#counts.delete(version);
    };
  }
}
