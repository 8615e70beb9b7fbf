// The body of a request on a channel for writes, as it comes: by events, for a promise and an iterator's turn for each 64 KiB
// cost a node more than what it does with them. What comes before somebody takes it waits here, bounded; then the
// connection waits.

import type { Socket } from "node:net";
import { ShardBodyParser, type BodyEndKind, type BodyKey } from "./shard-body.ts";

/** More than a small request, which so need not stop the connection. */
const WAITING_BYTES_MAX = 64 * 1024;

/**
 * Takes the data of the next piece, as views of `memory`, and has the sender wait where it returns a promise. Whoever takes the
 * data may give the memory back.
 */
export type TakeData = (
  chunks: readonly Uint8Array[],
  memory: Uint8Array,
) => Promise<void> | undefined;

interface Piece {
  readonly bytes: Buffer;
  readonly memory: Uint8Array;
}

interface Taker {
  readonly parser: ShardBodyParser;
  readonly take: TakeData;
  readonly resolve: (kind: BodyEndKind) => void;
  readonly reject: (error: unknown) => void;
}

export class StreamedBody {
  readonly #socket: Pick<Socket, "pause" | "resume">;
  readonly #key: BodyKey;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #taker: Taker | undefined;
  #isBusy = false;
  #isPaused = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(socket: Pick<Socket, "pause" | "resume">, key: BodyKey) {
    this.#socket = socket;
    this.#key = key;
  }

  /** Whether all of it was taken: what comes now is not its own. */
  get isOver(): boolean {
    return this.#taker?.parser.isOver === true;
  }

  /**
   * Hands all of it over, once. Resolves to how it ended. `bytesMax`: of data.
   * @throws RefusedRequestError for a malformed body; the network's error for a broken one; what `take` throws.
   */
  receive(bytesMax: number, take: TakeData): Promise<BodyEndKind> {
    return new Promise((resolve, reject) => {
      const parser = new ShardBodyParser(this.#key, bytesMax);
      this.#taker = { parser, take, resolve, reject };
      if (this.#failure === undefined) this.#drain();
      else reject(this.#failure.error);
    });
  }

  /** The connection has brought that. `memory`: all that it came in, where that is more. */
  push(bytes: Buffer, memory: Uint8Array = bytes): void {
    if (this.#failure !== undefined) return;
    this.#waiting.push({ bytes, memory });
    this.#waitingBytes += bytes.length;
    this.#drain();
  }

  /** There will be no more of it. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#waiting = [];
    this.#waitingBytes = 0;
    // What a sender still says to a closed ear is to be read, and forgotten.
    this.#flow(true);
    this.#taker?.reject(error);
  }

  #drain(): void {
    if (this.#failure !== undefined) return;
    while (!this.#isBusy && this.#taker !== undefined && this.#failure === undefined) {
      const piece = this.#waiting.shift();
      if (piece === undefined) break;
      this.#waitingBytes -= piece.bytes.length;
      this.#hand(piece, this.#taker);
    }
    this.#flow(!this.#isBusy && this.#waitingBytes <= WAITING_BYTES_MAX);
  }

  #hand({ bytes, memory }: Piece, taker: Taker): void {
    try {
      const taken = taker.take(taker.parser.push(bytes), memory);
      if (taken !== undefined) this.#waitFor(taken, taker);
      else if (taker.parser.isOver) taker.resolve(taker.parser.end());
    } catch (error) {
      this.fail(error);
    }
  }

  #waitFor(taken: Promise<void>, { parser, resolve }: Taker): void {
    this.#isBusy = true;
    const goOn = (): void => {
      this.#isBusy = false;
      if (parser.isOver) resolve(parser.end());
      this.#drain();
    };
    taken.then(goOn, (error: unknown) => this.fail(error));
  }

  #flow(isFlowing: boolean): void {
    if (isFlowing !== this.#isPaused) return;
    this.#isPaused = !isFlowing;
    if (isFlowing) this.#socket.resume();
    else this.#socket.pause();
  }
}
