// The channels on which one drive of a node is read: opened when they are needed, used again, bounded, and those that carry
// the rest of an answer kept for the read that wants it next. Invariant: a read that was given up has closed its channel.

import { awakeTimeout } from "../util/awake-timeout.ts";
import { ConnectionError } from "./exchange.ts";
import type { ReadChannel, ShardRead } from "./read-channel.ts";
import { ShardError } from "./shard-store.ts";

const CHANNEL_COUNT_MAX = 64;
/** Shorter than the node's, so that it is never the node that closes an idle channel first. */
const IDLE_MS = 30_000;
/** How long the rest of an answer waits for whoever wants it: it holds memory of both kernels and of the node. */
const PARKED_MS = 2_000;

export interface ReadChannelsOptions {
  /** Hears of channels that end by themselves. @throws ShardError */
  readonly open: (onClose: (channel: ReadChannel) => void) => Promise<ReadChannel>;
  /** For messages. */
  readonly url: string;
  /** How long a read may take, in milliseconds. */
  readonly deadlineMs: number;
  /** Hears that a channel ended that nothing was wrong with. */
  readonly onDisconnect: () => void;
}

interface Turn {
  readonly resolve: (channel: Promise<ReadChannel>) => void;
  readonly reject: (error: unknown) => void;
}

export class ReadChannels {
  readonly #options: ReadChannelsOptions;
  readonly #all = new Set<ReadChannel>();
  #idle: ReadChannel[] = [];
  #parked: ReadChannel[] = [];
  #waiting: Turn[] = [];
  #openingCount = 0;
  #isClosed = false;

  constructor(options: ReadChannelsOptions) {
    this.#options = options;
  }

  /** @throws ShardError */
  async read(read: ShardRead): Promise<void> {
    const parked = this.#takeParked(read);
    if (parked !== undefined) {
      try {
        return await this.#readOn(parked, read);
      } catch (error) {
        // Only that the channel ended, or the node, which could read no further, has ended it: asked anew, it says why.
        if (!(error instanceof ConnectionError) || error instanceof LateError) throw error;
      }
    }
    return this.#readOn(await this.#acquire(), read);
  }

  /** Closes what is not in use, and ends what waits for a channel. */
  renew(): void {
    const error = new ConnectionError(`${this.#options.url}: the node is away`);
    for (const channel of [...this.#idle, ...this.#parked]) this.#drop(channel, error);
    this.#endWaiting(error);
  }

  /** Cuts off everything; no read succeeds any more. */
  close(): void {
    this.#isClosed = true;
    const error = closedError();
    for (const channel of this.#all) this.#drop(channel, error);
    this.#endWaiting(error);
  }

  #endWaiting(error: ShardError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  async #readOn(channel: ReadChannel, read: ShardRead): Promise<void> {
    const { url, deadlineMs } = this.#options;
    const giveUp = (): void => this.#drop(channel, new LateError(url, deadlineMs));
    const timeout = awakeTimeout(deadlineMs, giveUp);
    try {
      await channel.read(read);
    } finally {
      timeout.cancel();
      this.#release(channel);
    }
  }

  #takeParked(read: ShardRead): ReadChannel | undefined {
    const at = this.#parked.findIndex((channel) => channel.continues(read));
    const channel = this.#parked[at];
    if (channel === undefined) return undefined;
    this.#parked.splice(at, 1);
    channel.setPatience(0);
    return channel;
  }

  #acquire(): Promise<ReadChannel> {
    if (this.#isClosed) return Promise.reject(closedError());
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      idle.setPatience(0);
      return Promise.resolve(idle);
    }
    const [oldest] = this.#parked;
    const isFull = this.#all.size + this.#openingCount >= CHANNEL_COUNT_MAX;
    if (isFull && oldest !== undefined) this.#drop(oldest, closedError());
    else if (isFull) return this.#wait();
    return this.#open();
  }

  async #open(): Promise<ReadChannel> {
    this.#openingCount += 1;
    try {
      const channel = await this.#options.open((ended) => this.#onClose(ended));
      if (this.#isClosed) {
        channel.close(closedError());
        throw closedError();
      }
      this.#all.add(channel);
      return channel;
    } catch (error) {
      // Whoever waits finds out by himself: nobody would give him a channel any more.
      setImmediate(() => this.#waiting.shift()?.resolve(this.#open()));
      throw error;
    } finally {
      this.#openingCount -= 1;
    }
  }

  #wait(): Promise<ReadChannel> {
    const { url, deadlineMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(new LateError(url, deadlineMs));
      }, deadlineMs);
      const turn: Turn = {
        resolve: (channel) => {
          clearTimeout(timer);
          resolve(channel);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.push(turn);
    });
  }

  #release(channel: ReadChannel): void {
    if (channel.isClosed) {
      this.#all.delete(channel);
      this.#waiting.shift()?.resolve(this.#open());
      return;
    }
    const turn = this.#waiting.shift();
    if (channel.isParked && turn !== undefined) {
      this.#drop(channel, closedError());
      turn.resolve(this.#open());
    } else if (channel.isParked) {
      this.#parked.push(channel);
      channel.setPatience(PARKED_MS, () => this.#drop(channel, closedError()));
    } else if (turn !== undefined) {
      turn.resolve(Promise.resolve(channel));
    } else {
      this.#idle.push(channel);
      channel.setPatience(IDLE_MS, () => this.#drop(channel, closedError()));
    }
  }

  #drop(channel: ReadChannel, error: unknown): void {
    this.#forget(channel);
    channel.close(error);
  }

  #forget(channel: ReadChannel): void {
    this.#all.delete(channel);
    this.#idle = this.#idle.filter((each) => each !== channel);
    this.#parked = this.#parked.filter((each) => each !== channel);
  }

  #onClose(channel: ReadChannel): void {
    const wasUnused = this.#idle.includes(channel) || this.#parked.includes(channel);
    this.#forget(channel);
    // Where a read was under way, its failure is judged by itself.
    if (wasUnused) this.#options.onDisconnect();
  }
}

/** Asked anew, it would take as long again. */
class LateError extends ConnectionError {
  constructor(url: string, deadlineMs: number) {
    super(`${url}: no answer within ${deadlineMs} ms`);
  }
}

function closedError(): ShardError {
  return new ShardError("Unavailable", "the connection to the node is closed");
}
