// Cuts off answers that nobody takes, so that their buffers come back. What counts is what the kernel accepts of the
// answer and nothing else: the timeout of Node's sockets is renewed by any byte that comes in too.

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Many short looks instead of one long wait: a process that was stopped for a while has missed all of them but one. */
const LOOKS_MAX = 12;

interface Seen {
  /** Undefined: none waits. */
  out: ServerResponse | undefined;
  writtenBytes: number;
  waitingBytes: number;
  looksInVain: number;
}

export class StalledAnswers {
  readonly #lookEveryMs: number;
  /** Changes with connections, not with answers: V8 keeps for long what the former tables of a map led to. */
  readonly #seen = new Map<Socket, Seen>();
  #timer: NodeJS.Timeout | undefined;

  /** @param idleMs How long a client may take nothing, in milliseconds. */
  constructor(idleMs: number) {
    this.#lookEveryMs = idleMs / LOOKS_MAX;
  }

  /** Connections on which an answer was watched; forgotten when they close. */
  get connectionCount(): number {
    return this.#seen.size;
  }

  get count(): number {
    let count = 0;
    for (const { out } of this.#seen.values()) if (out !== undefined) count += 1;
    return count;
  }

  /** From now on, until it ends, for an answer whose socket is full. Again does nothing. */
  watch(out: ServerResponse): void {
    const { socket } = out;
    if (socket === null || socket.closed) return;
    const seen = this.#seenOf(socket);
    if (seen.out === out) return;
    seen.out = out;
    seen.writtenBytes = -1;
    seen.waitingBytes = -1;
    seen.looksInVain = 0;
    out.once("close", () => {
      if (seen.out === out) seen.out = undefined;
    });
    this.#timer ??= setInterval(() => this.look(), this.#lookEveryMs).unref();
  }

  /** What the timer does. */
  look(): void {
    if (this.count === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const [socket, seen] of this.#seen) {
      if (seen.out === undefined) continue;
      if (hasMoved(socket, seen)) seen.looksInVain = 0;
      else seen.looksInVain += 1;
      if (seen.looksInVain >= LOOKS_MAX) seen.out.destroy();
    }
  }

  #seenOf(socket: Socket): Seen {
    const known = this.#seen.get(socket);
    if (known !== undefined) return known;
    const seen = { out: undefined, writtenBytes: -1, waitingBytes: -1, looksInVain: 0 };
    this.#seen.set(socket, seen);
    socket.once("close", () => this.#seen.delete(socket));
    return seen;
  }
}

/** Whether the client has taken something since the last look, or nothing waits for it. */
function hasMoved(socket: Socket, seen: Seen): boolean {
  const { bytesWritten } = socket;
  const waitingBytes = bytesBeforeKernel(socket);
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
