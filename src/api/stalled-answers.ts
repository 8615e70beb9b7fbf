// Cuts off answers that nobody takes, so that their buffers come back. What counts is what the kernel accepts of the
// answer and nothing else: the timeout of Node's sockets is renewed by any byte that comes in too.

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Many short looks instead of one long wait: a process that was stopped for a while has missed all of them but one. */
const LOOKS_MAX = 12;

interface Seen {
  readonly socket: Socket;
  writtenBytes: number;
  waitingBytes: number;
  looksInVain: number;
}

export class StalledAnswers {
  readonly #lookEveryMs: number;
  readonly #seen = new Map<ServerResponse, Seen>();
  #timer: NodeJS.Timeout | undefined;

  /** @param idleMs How long a client may take nothing, in milliseconds. */
  constructor(idleMs: number) {
    this.#lookEveryMs = idleMs / LOOKS_MAX;
  }

  get count(): number {
    return this.#seen.size;
  }

  /** From now on, until it ends, for an answer whose socket is full. Again does nothing. */
  watch(out: ServerResponse): void {
    const { socket } = out;
    if (socket === null || this.#seen.has(out)) return;
    this.#seen.set(out, { socket, writtenBytes: -1, waitingBytes: -1, looksInVain: 0 });
    out.once("close", () => this.#seen.delete(out));
    this.#timer ??= setInterval(() => this.look(), this.#lookEveryMs).unref();
  }

  /** What the timer does. */
  look(): void {
    if (this.#seen.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const [out, seen] of this.#seen) {
      if (hasMoved(seen)) seen.looksInVain = 0;
      else seen.looksInVain += 1;
      if (seen.looksInVain >= LOOKS_MAX) out.destroy();
    }
  }
}

/** Whether the client has taken something since the last look, or nothing waits for it. */
function hasMoved(seen: Seen): boolean {
  const { bytesWritten } = seen.socket;
  const waitingBytes = bytesBeforeKernel(seen.socket);
  const isSame = bytesWritten === seen.writtenBytes && waitingBytes === seen.waitingBytes;
  seen.writtenBytes = bytesWritten;
  seen.waitingBytes = waitingBytes;
  return waitingBytes === 0 || !isSame;
}

/** What libuv still holds is told by the handle alone, with TLS by the one below: the stream knows only of whole writes. */
function bytesBeforeKernel(socket: Socket): number {
  const handle = partOf(socket, "_handle");
  const size = partOf(partOf(handle, "_parent") ?? handle, "writeQueueSize");
  return typeof size === "number" ? size : socket.writableLength;
}

function partOf(whole: unknown, name: string): unknown {
  return typeof whole === "object" && whole !== null ? Reflect.get(whole, name) : undefined;
}
