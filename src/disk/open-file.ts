// A file descriptor with its calls in flight. Closing waits for them, even for those whose callers have given up: the
// kernel would hand a number that was closed too early to the next file, and a late write would land in that one.

import { close } from "node:fs";
import { withDeadline } from "../util/deadline.ts";
import type { CallGate, Done } from "./call-gate.ts";
import { DiskError } from "./disk.ts";

export class OpenFile {
  readonly path: string;
  readonly #gate: CallGate;
  readonly #descriptor: number;
  #pendingCount = 0;
  #closed = false;

  constructor(gate: CallGate, path: string, descriptor: number) {
    this.#gate = gate;
    this.path = path;
    this.#descriptor = descriptor;
  }

  /** @throws DiskError of the call; OTHER when the file is closed. */
  run<Value>(name: string, start: (descriptor: number, done: Done<Value>) => void): Promise<Value> {
    const what = `${name} ${this.path}`;
    if (this.#closed) return Promise.reject(new DiskError("OTHER", `${what}: it is closed`));
    this.#pendingCount += 1;
    return this.#gate.run<Value>({
      what,
      start: (done) => start(this.#descriptor, done),
      onEnd: () => {
        this.#pendingCount -= 1;
        if (this.#closed && this.#pendingCount === 0) close(this.#descriptor, ignore);
      },
    });
  }

  /** Never rejects. With calls still in flight it resolves at once, and the last of them closes. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pendingCount > 0) return;
    // Past the gate: a hung drive must not keep descriptors, and what was written has been synced, or is given up.
    const closing = new Promise<void>((resolve) => {
      close(this.#descriptor, () => resolve());
    });
    await withDeadline(closing, {
      timeoutMs: this.#gate.deadlineMs,
      onTimeout: () => new DiskError("TIMEOUT", `close ${this.path}`),
    }).catch(ignore);
  }
}

function ignore(): void {
  // What a close answers changes nothing.
}
