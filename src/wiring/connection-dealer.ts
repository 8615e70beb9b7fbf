// Accepts connections in the supervisor and deals them out to workers: each to the one that has the fewest, in turn among
// equals. A connection is the supervisor's until a worker has said that it took it: one that dies before leaves it to
// another. While no worker is there they wait, as many as a kernel's own queue would hold.

import type { AcceptedHandle, ListeningHandle } from "./socket-handles.ts";

/** A worker that connections may be given to. */
export interface Taker {
  /** Hands the connection over; answered by `noteTaken`. */
  give(id: number, connection: AcceptedHandle): void;
}

interface Share {
  /** Connections that it had when it said so last. */
  openCount: number;
  /** Given to it since, and not answered. */
  readonly given: Map<number, AcceptedHandle>;
}

/** As a listening socket's queue. */
const WAITING_MAX = 511;

export class ConnectionDealer<To extends Taker = Taker> {
  readonly #shares = new Map<To, Share>();
  readonly #listening = new Set<ListeningHandle>();
  #waiting: AcceptedHandle[] = [];
  #lastId = 0;
  #isClosed = false;

  /** Accepts from a bound socket, from now on. Harmless when repeated. Returns 0 or a negative error number. */
  acceptFrom(socket: ListeningHandle): number {
    if (this.#listening.has(socket)) return 0;
    socket.onconnection = (status, connection) => {
      if (status === 0 && connection !== undefined) this.#take(connection);
    };
    const status = socket.listen(WAITING_MAX);
    if (status === 0) this.#listening.add(socket);
    return status;
  }

  /** A worker that is ready. */
  add(taker: To): void {
    this.#shares.set(taker, { openCount: 0, given: new Map() });
    for (const connection of this.#waiting.splice(0)) this.#deal(connection);
  }

  /** A worker that is no more, or takes no more: what it has not taken goes to others. */
  remove(taker: To): void {
    const share = this.#shares.get(taker);
    this.#shares.delete(taker);
    for (const connection of share?.given.values() ?? []) this.#take(connection);
  }

  noteOpen(taker: To, openCount: number): void {
    const share = this.#shares.get(taker);
    if (share !== undefined) share.openCount = openCount;
  }

  noteTaken(taker: To, id: number, openCount: number): void {
    const share = this.#shares.get(taker);
    if (share === undefined) return;
    share.openCount = openCount;
    share.given.get(id)?.close();
    share.given.delete(id);
  }

  /**
   * How many connections of each worker are beyond its equal part, where they are worth moving: those of a client that
   * keeps them open would else stay where they are for ever, when a worker comes later than others.
   */
  surplus(): ReadonlyMap<To, number> {
    const counts = [...this.#shares].map(([taker, share]) => ({ taker, count: countOf(share) }));
    const part = Math.ceil(counts.reduce((sum, { count }) => sum + count, 0) / counts.length);
    return new Map(
      counts.flatMap(({ taker, count }) => (count > part ? [[taker, count - part]] : [])),
    );
  }

  /** What waits is cut off, and so is whatever comes still. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#waiting.splice(0)) connection.close();
  }

  #take(connection: AcceptedHandle): void {
    if (this.#isClosed) connection.close();
    else if (this.#shares.size > 0) this.#deal(connection);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(connection);
    else connection.close();
  }

  #deal(connection: AcceptedHandle): void {
    let best: [To, Share] | undefined;
    for (const entry of this.#shares) {
      if (best === undefined || countOf(entry[1]) < countOf(best[1])) best = entry;
    }
    if (best === undefined) return;
    const [taker, share] = best;
    // Behind all others, so that equals take turns.
    this.#shares.delete(taker);
    this.#shares.set(taker, share);
    this.#lastId += 1;
    share.given.set(this.#lastId, connection);
    taker.give(this.#lastId, connection);
  }
}

function countOf({ openCount, given }: Share): number {
  return openCount + given.size;
}
