// A gateway's side of one channel for writes (write-frames.ts): one request at a time, whose head and body the caller sends as
// fast as the node takes them, and which the node answers once.
// Invariant: a request that was given up or refused has closed its channel.

import {
  errorOfAnswer,
  isChannelAnswerProven,
  nextSequence,
  parseAnswerHead,
  PROVEN_BYTES_MAX,
} from "./channel-frames.ts";
import type { DirectSocket } from "./direct-socket.ts";
import { ConnectionError } from "./exchange.ts";
import { NodeChannel } from "./node-channel.ts";
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

export class WriteChannel extends NodeChannel {
  readonly #keys: WriteChannelKeys;
  #sequence = 0;
  #isBodyOver = false;

  /** `onEnd` hears once that it ended by itself. */
  constructor(
    socket: DirectSocket,
    keys: WriteChannelKeys,
    onEnd: (channel: WriteChannel) => void,
  ) {
    super({ socket, purpose: "writes", onEnd: () => onEnd(this) });
    this.#keys = keys;
  }

  /** Begins a request; nothing is sent yet. */
  begin(write: WireWrite): WriteCall {
    const sequence = this.#sequence;
    const { request, bodyEnd } = this.#keys;
    const head = renderWriteHead(request, sequence, write);
    this.#isBodyOver = false;
    return {
      head,
      done: this.wait(),
      send: (bytes, onSent) => this.socket.write(bytes, onSent),
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

  protected onHead(): void {
    const answer = parseAnswerHead(this.#sequence, this.head);
    if (!this.isWaitedFor || answer === undefined) {
      return this.break("it answers another request");
    }
    const { status, length } = answer;
    if (length === 0 || length > PROVEN_BYTES_MAX) {
      return this.break("its answer is empty, or too large");
    }
    const body = Buffer.alloc(length);
    this.socket.fill(body, () => this.#onBody(status, body));
  }

  #onBody(status: number, body: Uint8Array): void {
    if (!isChannelAnswerProven(this.#keys.answer, this.head, body)) {
      return this.break("it does not prove that it belongs to the cluster");
    }
    // After a refusal the node may have left the rest of the body unread: it ends the channel, too.
    if (status !== 200) return this.close(errorOfAnswer(status, body));
    if (!this.#isBodyOver) return this.break("it answers before the body's end");
    const waiting = this.settle();
    this.#sequence = nextSequence(this.#sequence);
    // What was recorded under a number is never right a second time.
    if (this.#sequence === 0) this.close(new ConnectionError("the channel has served its time"));
    else this.awaitHead();
    waiting?.resolve();
  }
}
