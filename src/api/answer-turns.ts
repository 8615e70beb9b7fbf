// Requests that a client sends behind one another, without waiting for answers, are worked on in their turn: one at a
// time on a connection. Node gives an answer its socket only then, and never tells one that still waits that the client
// went away: whatever it held (buffers of shards, a place among the readers) would be held for ever.

import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** More requests than this behind one that is not answered yet are no client's: the connection ends. */
const WAITING_MAX = 100;

export class AnswerTurns {
  /** By connection: what ends the waiting of each answer in vain. */
  readonly #waiting = new WeakMap<Duplex, Set<() => void>>();

  /** For an answer without a socket. Resolves to whether its turn came: false where the connection ended first. */
  async comes(out: ServerResponse, socket: Duplex): Promise<boolean> {
    if (socket.destroyed) return false;
    const waiting = this.#waitingAt(socket);
    if (waiting.size >= WAITING_MAX) {
      socket.destroy();
      return false;
    }
    return new Promise((resolve) => {
      const give = (): void => resolve(false);
      waiting.add(give);
      out.once("socket", () => {
        waiting.delete(give);
        resolve(true);
      });
    });
  }

  /** One listener a connection, however many wait. */
  #waitingAt(socket: Duplex): Set<() => void> {
    const known = this.#waiting.get(socket);
    if (known !== undefined) return known;
    const waiting = new Set<() => void>();
    this.#waiting.set(socket, waiting);
    socket.once("close", () => waiting.forEach((give) => give()));
    return waiting;
  }
}
