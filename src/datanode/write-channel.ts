// A gateway's side of one channel for writes (write-frames.ts): one request at a time, whose head and body the caller sends as
// fast as the node takes them, and which the node answers once.
// Invariant: a request that was given up or refused has closed its channel.

import {
  ANSWER_HEAD_BYTES,
  errorOfAnswer,
  isChannelAnswerProven,
  nextSequence,
  parseAnswerHead,
  PROVEN_BYTES_MAX,
} from "./channel-frames.ts";
import type { DirectSocket } from "./direct-socket.ts";
import { ConnectionError } from "./exchange.ts";
import type { WriteChannelKeys } from "./rpc-auth.ts";
import { renderBodyEnd, type BodyEnd } from "./shard-body.ts";
import { renderWriteHead, type WireWrite } from "./write-frames.ts";

/** A request under way. */
export interface WriteCall {
  /** To be sent before all else. */
  readonly head: Uint8Array;
  /** Resolves when the node has done it. @throws ShardError, JournalError */
  readonly done: Promise<void>;
  /** `onSent` hears when the bytes are the caller's again: never where the channel ends before. */
  readonly send: (bytes: Uint8Array, onSent?: () => void) => void;
  /** What says that the body is over: once it is sent, an answer is in order. */
  readonly renderEnd: (end: BodyEnd) => Uint8Array;
  /** Gives it up: `done` rejects with that. */
  readonly abort: (error: Error) => void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WriteChannel {
  readonly #socket: DirectSocket;
  readonly #keys: WriteChannelKeys;
  readonly #onEnd: (channel: WriteChannel) => void;
  readonly #head = Buffer.alloc(ANSWER_HEAD_BYTES);
  #sequence = 0;
  #waiting: Waiting | undefined;
  #isBodyOver = false;
  #isClosed = false;

  /** `onEnd` hears once that it ended by itself. */
  constructor(
    socket: DirectSocket,
    keys: WriteChannelKeys,
    onEnd: (channel: WriteChannel) => void,
  ) {
    this.#socket = socket;
    this.#keys = keys;
    this.#onEnd = onEnd;
    this.#socket.fill(this.#head, () => this.#onHead());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Begins a request; nothing is sent yet. */
  begin(write: WireWrite): WriteCall {
    const sequence = this.#sequence;
    const { request, bodyEnd } = this.#keys;
    const head = renderWriteHead(request, sequence, write);
    this.#isBodyOver = false;
    const done = new Promise<void>((resolve, reject) => {
      if (this.#isClosed) reject(new ConnectionError("the channel is closed"));
      else this.#waiting = { resolve, reject };
    });
    return {
      head,
      done,
      send: (bytes, onSent) => this.#socket.write(bytes, onSent),
      renderEnd: (end) => {
        this.#isBodyOver = true;
        return renderBodyEnd({ mac: bodyEnd, sequence }, end);
      },
      abort: (error) => {
        // What is over is the channel's next user's.
        if (this.#sequence === sequence) this.close(error);
      },
    };
  }

  setPatience(timeoutMs: number, onIdle?: () => void): void {
    this.#socket.setPatience(timeoutMs, onIdle);
  }

  /** Ends it, and the request that is under way with `error`. */
  close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#settle()?.reject(error);
  }

  /** It has ended by itself. */
  fail(error: ConnectionError): void {
    if (this.#isClosed) return;
    this.close(error);
    this.#onEnd(this);
  }

  #onHead(): void {
    const answer = parseAnswerHead(this.#sequence, this.#head);
    if (this.#waiting === undefined || answer === undefined) {
      return this.#break("it answers another request");
    }
    const { status, length } = answer;
    if (length === 0 || length > PROVEN_BYTES_MAX) {
      return this.#break("its answer is empty, or too large");
    }
    const body = Buffer.alloc(length);
    this.#socket.fill(body, () => this.#onBody(status, body));
  }

  #onBody(status: number, body: Uint8Array): void {
    if (!isChannelAnswerProven(this.#keys.answer, this.#head, body)) {
      return this.#break("it does not prove that it belongs to the cluster");
    }
    // After a refusal the node may have left the rest of the body unread: it ends the channel, too.
    if (status !== 200) return this.close(errorOfAnswer(status, body));
    if (!this.#isBodyOver) return this.#break("it answers before the body's end");
    const waiting = this.#settle();
    this.#sequence = nextSequence(this.#sequence);
    // What was recorded under a number is never right a second time.
    if (this.#sequence === 0) this.close(new ConnectionError("the channel has served its time"));
    else this.#socket.fill(this.#head, () => this.#onHead());
    waiting?.resolve();
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #break(words: string): void {
    this.fail(new ConnectionError(`a node's channel for writes is broken: ${words}`));
  }
}
