// A gateway's side of one channel for reads (read-frames.ts): a connection that a node has agreed to read for, one read at
// a time, straight into the caller's memory. Of an answer that is longer than what was asked for, the rest waits in the
// kernel for the next read to want it.

import {
  ANSWER_HEAD_BYTES,
  errorOfAnswer,
  isChannelAnswerProven,
  nextSequence,
  parseAnswerHead,
  PROVEN_BYTES_MAX,
} from "./channel-frames.ts";
import { ConnectionError } from "./exchange.ts";
import type { DirectSocket } from "./direct-socket.ts";
import { renderReadRequest } from "./read-frames.ts";
import type { ChannelKeys } from "./rpc-auth.ts";
import type { ShardName } from "./shard-store.ts";

/** A read of a shard, as callers want it. */
export interface ShardRead {
  readonly name: ShardName;
  readonly offset: number;
  readonly target: Uint8Array;
  /** Bytes after them that are likely to be read next. */
  readonly aheadBytes: number;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class ReadChannel {
  readonly #socket: DirectSocket;
  readonly #keys: ChannelKeys;
  readonly #head = Buffer.alloc(ANSWER_HEAD_BYTES);
  #sequence = 0;
  #read: ShardRead | undefined;
  #waiting: Waiting | undefined;
  /** Where the bytes lie that are still to come of an answer, beyond what was asked for. */
  #rest: { readonly name: ShardName; readonly offset: number; readonly bytes: number } | undefined;
  readonly #onEnd: (channel: ReadChannel) => void;
  #isClosed = false;

  /** `onEnd` hears once that it ended by itself. */
  constructor(socket: DirectSocket, keys: ChannelKeys, onEnd: (channel: ReadChannel) => void) {
    this.#socket = socket;
    this.#keys = keys;
    this.#onEnd = onEnd;
    // What comes unasked, the end of the connection above all, is to be noticed.
    this.#socket.fill(this.#head, () => this.#onHead());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether bytes of an earlier answer wait here. */
  get isParked(): boolean {
    return this.#rest !== undefined;
  }

  /** Whether what waits here is what that read wants. */
  continues({ name, offset, target }: ShardRead): boolean {
    const rest = this.#rest;
    if (rest === undefined || rest.offset !== offset || rest.bytes < target.length) return false;
    return rest.name.index === name.index && rest.name.setId === name.setId;
  }

  /** @throws ShardError */
  read(read: ShardRead): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ConnectionError("the channel is closed"));
    return new Promise((resolve, reject) => {
      this.#read = read;
      this.#waiting = { resolve, reject };
      if (this.continues(read)) this.#takeBody(read, this.#rest?.bytes ?? 0);
      else this.#ask(read);
    });
  }

  #ask({ name, offset, target, aheadBytes }: ShardRead): void {
    const wanted = { name, offset, length: target.length, aheadBytes };
    this.#socket.write(renderReadRequest(this.#keys.request, this.#sequence, wanted));
  }

  /** Calls back once nothing has moved for so long, in milliseconds; 0: never. */
  setPatience(timeoutMs: number, onIdle?: () => void): void {
    this.#socket.setPatience(timeoutMs, onIdle);
  }

  /** Ends it, and the read that is under way with `error`. */
  close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rest = undefined;
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
    const read = this.#read;
    const answer = parseAnswerHead(this.#sequence, this.#head);
    if (read === undefined || answer === undefined)
      return this.#break("it answers another request");
    this.#sequence = nextSequence(this.#sequence);
    const { status, length } = answer;
    const { target, aheadBytes } = read;
    if (status !== 200) {
      if (length === 0 || length > PROVEN_BYTES_MAX) return this.#break("its error is too large");
      const body = Buffer.alloc(length);
      this.#socket.fill(body, () => this.#onError(status, body));
    } else if (length < target.length || length > target.length + aheadBytes) {
      this.#break(`it answers with ${length} bytes where ${target.length} were asked for`);
    } else {
      this.#takeBody(read, length);
    }
  }

  /** Takes the first of `bytes` that come. */
  #takeBody({ name, offset, target }: ShardRead, bytes: number): void {
    const rest = bytes - target.length;
    const end = offset + target.length;
    this.#rest = rest === 0 ? undefined : { name, offset: end, bytes: rest };
    if (target.length === 0) this.#finish();
    else this.#socket.fill(target, () => this.#finish());
  }

  #onError(status: number, body: Uint8Array): void {
    if (!isChannelAnswerProven(this.#keys.answer, this.#head, body)) {
      return this.#break("it does not prove that it belongs to the cluster");
    }
    const waiting = this.#settle();
    this.#socket.fill(this.#head, () => this.#onHead());
    waiting?.reject(errorOfAnswer(status, body));
  }

  #finish(): void {
    const waiting = this.#settle();
    // What waits in the kernel is not to be taken before its place is known.
    if (this.#rest === undefined) this.#socket.fill(this.#head, () => this.#onHead());
    waiting?.resolve();
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#read = undefined;
    return waiting;
  }

  #break(words: string): void {
    this.fail(new ConnectionError(`a node's channel for reads is broken: ${words}`));
  }
}
