// What a gateway's channels to a node have in common, those for reads and those for writes: one call at a time is waited for, and
// the end of the connection ends it.

import { ANSWER_HEAD_BYTES } from "./channel-frames.ts";
import type { DirectSocket } from "./direct-socket.ts";
import { ConnectionError } from "./exchange.ts";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface NodeChannelParts {
  readonly socket: DirectSocket;
  /** For messages: what it is for. */
  readonly purpose: string;
  /** Hears once that it ended by itself. */
  readonly onEnd: () => void;
}

export abstract class NodeChannel {
  protected readonly socket: DirectSocket;
  protected readonly head = Buffer.alloc(ANSWER_HEAD_BYTES);
  readonly #purpose: string;
  readonly #onEnd: () => void;
  #waiting: Waiting | undefined;
  #isClosed = false;

  protected constructor({ socket, purpose, onEnd }: NodeChannelParts) {
    this.socket = socket;
    this.#purpose = purpose;
    this.#onEnd = onEnd;
    this.awaitHead();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls back once nothing has moved for so long, in milliseconds; 0: never. */
  setPatience(timeoutMs: number, onIdle?: () => void): void {
    this.socket.setPatience(timeoutMs, onIdle);
  }

  /** Ends it, and the call that is under way with `error`. */
  close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.socket.close();
    this.settle()?.reject(error);
  }

  /** It has ended by itself. */
  fail(error: ConnectionError): void {
    if (this.#isClosed) return;
    this.close(error);
    this.#onEnd();
  }

  protected abstract onHead(): void;

  /** Also where nothing is asked: what comes then, the end of the connection above all, is to be noticed. */
  protected awaitHead(): void {
    this.socket.fill(this.head, () => this.onHead());
  }

  /** Settles with the call that begins now. */
  protected wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) reject(new ConnectionError("the channel is closed"));
      else this.#waiting = { resolve, reject };
    });
  }

  protected get isWaitedFor(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whoever waits, who is then told. */
  protected settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  protected break(words: string): void {
    this.fail(new ConnectionError(`a node's channel for ${this.#purpose} is broken: ${words}`));
  }
}
