// Accepts connections in the supervisor and deals them out to workers: each to the one that has the fewest, in turn among
// equals. A connection is the supervisor's until a worker has said that it took it: one that dies before, or cannot receive
// it because it has no file handle left, leaves it to another. While no worker is there a bounded number
// of them waits.
// Invariant: what a worker is told comes in order. So whatever was given to it before something that it has answered, and
// is not taken by then, never reached it; only then may another have it.

import { LISTEN_BACKLOG } from "../core/limits.ts";
import type { AcceptedHandle, ListeningHandle } from "./socket-handles.ts";

/** A worker that connections may be given to. */
export interface Taker {
  /** Hands the connection over; answered by `noteTaken`. */
  give(id: number, connection: AcceptedHandle): void;
  /** Asks whether all up to this one have come; answered by `notePassed`. */
  ask(id: number): void;
}

interface Given {
  readonly connection: AcceptedHandle;
  /** How many workers could not receive it. */
  readonly lostCount: number;
}

interface Share {
  /** Connections that it had when it said so last. */
  openCount: number;
  /** Given to it since, and not answered: in the order of their ids. */
  readonly given: Map<number, Given>;
  /** The last that it was asked about. */
  askedId: number;
  /** Turns in which others come first: it could not receive one, or has not for a while. */
  restTurns: number;
}

/** Accepted while there is no worker for them. */
const WAITING_MAX = 511;
/** One that so many could not receive is cut off: its client may try again. */
const LOST_MAX = 3;
/** Who could not receive one has few, and would get all that come; so would one that hangs. */
const REST_TURNS = 5;

export class ConnectionDealer<To extends Taker = Taker> {
  readonly #shares = new Map<To, Share>();
  readonly #listening = new Set<ListeningHandle>();
  readonly #shareMax: number;
  #waiting: AcceptedHandle[] = [];
  #lastId = 0;
  #isClosed = false;

  /** @param shareMax Connections that a worker may have. */
  constructor(shareMax: number) {
    this.#shareMax = shareMax;
  }

  /** Accepts from a bound socket, from now on. Harmless when repeated. Returns 0 or a negative error number. */
  acceptFrom(socket: ListeningHandle): number {
    if (this.#listening.has(socket)) return 0;
    socket.onconnection = (status, connection) => {
      if (status === 0 && connection !== undefined) this.#take(fresh(connection));
    };
    const status = socket.listen(LISTEN_BACKLOG);
    if (status === 0) this.#listening.add(socket);
    return status;
  }

  /** A worker that is ready. */
  add(taker: To): void {
    this.#shares.set(taker, { openCount: 0, given: new Map(), askedId: 0, restTurns: 0 });
    for (const connection of this.#waiting.splice(0)) this.#deal(fresh(connection));
  }

  /** A worker that is no more, or takes no more: what it has not taken goes to others. */
  remove(taker: To): void {
    const share = this.#shares.get(taker);
    this.#shares.delete(taker);
    for (const given of share?.given.values() ?? []) this.#take(given);
  }

  /** Called once a second: asks for what has not been taken, which may have been lost on its way. */
  turn(): void {
    for (const [taker, share] of this.#shares) {
      if (share.restTurns > 0) share.restTurns -= 1;
      const [oldest] = share.given.keys();
      if (oldest === undefined) continue;
      // It is busy with something else, or hangs: those who come now are served sooner by others.
      if (oldest <= share.askedId) share.restTurns = REST_TURNS;
      share.askedId = this.#lastId;
      taker.ask(this.#lastId);
    }
  }

  noteOpen(taker: To, openCount: number): void {
    const share = this.#shares.get(taker);
    if (share !== undefined) share.openCount = openCount;
  }

  noteTaken(taker: To, id: number, openCount: number): void {
    const share = this.#shares.get(taker);
    if (share === undefined) return;
    share.openCount = openCount;
    share.given.get(id)?.connection.close();
    share.given.delete(id);
    this.notePassed(taker, id);
  }

  /** Of what it was given up to this one, what it has not taken has not reached it. */
  notePassed(taker: To, id: number): void {
    const share = this.#shares.get(taker);
    if (share === undefined) return;
    for (const [givenId, given] of share.given) {
      if (givenId > id) return;
      share.given.delete(givenId);
      share.restTurns = REST_TURNS;
      const lostCount = given.lostCount + 1;
      if (lostCount < LOST_MAX) this.#take({ ...given, lostCount });
      else given.connection.close();
    }
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

  #take(given: Given): void {
    const { connection } = given;
    if (this.#isClosed) connection.close();
    else if (this.#shares.size > 0) this.#deal(given);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(connection);
    else connection.close();
  }

  #deal(given: Given): void {
    let best: [To, Share] | undefined;
    for (const entry of this.#shares) {
      if (best === undefined || isBefore(entry[1], best[1])) best = entry;
    }
    if (best === undefined || countOf(best[1]) >= this.#shareMax) {
      given.connection.close();
      return;
    }
    const [taker, share] = best;
    // Behind all others, so that equals take turns.
    this.#shares.delete(taker);
    this.#shares.set(taker, share);
    this.#lastId += 1;
    share.given.set(this.#lastId, given);
    taker.give(this.#lastId, given.connection);
  }
}

function fresh(connection: AcceptedHandle): Given {
  return { connection, lostCount: 0 };
}

function countOf({ openCount, given }: Share): number {
  return openCount + given.size;
}

function isBefore(one: Share, other: Share): boolean {
  const [rests, otherRests] = [one.restTurns > 0, other.restTurns > 0];
  return rests === otherRests ? countOf(one) < countOf(other) : otherRests;
}
