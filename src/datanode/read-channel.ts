// A gateway's side of one channel for reads (read-frames.ts): a connection that a node has agreed to read for, one read at
// a time, straight into the caller's memory. Of an answer that is longer than what was asked for, the rest waits in the
// kernel for the next read to want it.

import {
  errorOfAnswer,
  isChannelAnswerProven,
  nextSequence,
  parseAnswerHead,
  PROVEN_BYTES_MAX,
} from "./channel-frames.ts";
import type { DirectSocket } from "./direct-socket.ts";
import { NodeChannel } from "./node-channel.ts";
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

export class ReadChannel extends NodeChannel {
  readonly #keys: ChannelKeys;
  #sequence = 0;
  #read: ShardRead | undefined;
  /** Where the bytes lie that are still to come of an answer, beyond what was asked for. */
  #rest: { readonly name: ShardName; readonly offset: number; readonly bytes: number } | undefined;

  /** `onEnd` hears once that it ended by itself. */
  constructor(socket: DirectSocket, keys: ChannelKeys, onEnd: (channel: ReadChannel) => void) {
    super({ socket, purpose: "reads", onEnd: () => onEnd(this) });
    this.#keys = keys;
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
    const done = this.wait();
    if (this.isClosed) return done;
    this.#read = read;
    if (this.continues(read)) this.#takeBody(read, this.#rest?.bytes ?? 0);
    else this.#ask(read);
    return done;
  }

  #ask({ name, offset, target, aheadBytes }: ShardRead): void {
    const wanted = { name, offset, length: target.length, aheadBytes };
    this.socket.write(renderReadRequest(this.#keys.request, this.#sequence, wanted));
  }

  override close(error: unknown): void {
    this.#rest = undefined;
    this.#read = undefined;
    super.close(error);
  }

  protected onHead(): void {
    const read = this.#read;
    const answer = parseAnswerHead(this.#sequence, this.head);
    if (read === undefined || answer === undefined) return this.break("it answers another request");
    this.#sequence = nextSequence(this.#sequence);
    const { status, length } = answer;
    const { target, aheadBytes } = read;
    if (status !== 200) {
      if (length === 0 || length > PROVEN_BYTES_MAX) return this.break("its error is too large");
      const body = Buffer.alloc(length);
      this.socket.fill(body, () => this.#onError(status, body));
    } else if (length < target.length || length > target.length + aheadBytes) {
      this.break(`it answers with ${length} bytes where ${target.length} were asked for`);
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
    else this.socket.fill(target, () => this.#finish());
  }

  #onError(status: number, body: Uint8Array): void {
    if (!isChannelAnswerProven(this.#keys.answer, this.head, body)) {
      return this.break("it does not prove that it belongs to the cluster");
    }
    const waiting = this.settle();
    this.#read = undefined;
    this.awaitHead();
    waiting?.reject(errorOfAnswer(status, body));
  }

  #finish(): void {
    const waiting = this.settle();
    this.#read = undefined;
    // What waits in the kernel is not to be taken before its place is known.
    if (this.#rest === undefined) this.awaitHead();
    waiting?.resolve();
  }
}
