// Channels to one node that are used again: opened when they are needed, bounded, lent to one call at a time, and closed when
// nobody has wanted them for a while.

import { awakeTimeout } from "../util/awake-timeout.ts";
import { ConnectionError } from "./exchange.ts";
import { ShardError } from "./shard-store.ts";

/** Shorter than the node's, so that it is never the node that closes an idle channel first. */
const IDLE_MS = 30_000;

/** What a pool needs of a channel. */
export interface PooledChannel {
  readonly isClosed: boolean;
  /** Ends it, and what is under way on it with `error`. */
  close(error: unknown): void;
  /** Calls back once nothing has moved for so long, in milliseconds; 0: never. */
  setPatience(timeoutMs: number, onIdle?: () => void): void;
}

export interface ChannelPoolOptions<Channel extends PooledChannel> {
  /** Hears of channels that end by themselves. @throws ShardError */
  readonly open: (onEnd: (channel: Channel) => void) => Promise<Channel>;
  /** For messages. */
  readonly url: string;
  readonly countMax: number;
  /** How long to wait for a channel where all are in use, in milliseconds. */
  readonly deadlineMs: number;
  /** Hears that a channel ended that nothing was wrong with. */
  readonly onDisconnect: () => void;
  /** Where all are taken: drops one that can be spared, and says so. */
  readonly makeRoom?: () => boolean;
}

interface Turn<Channel> {
  readonly resolve: (channel: Promise<Channel>) => void;
  readonly reject: (error: unknown) => void;
}

export class ChannelPool<Channel extends PooledChannel> {
  readonly #options: ChannelPoolOptions<Channel>;
  readonly #all = new Set<Channel>();
  #idle: Channel[] = [];
  #waiting: Turn<Channel>[] = [];
  #openingCount = 0;
  #isClosed = false;

  constructor(options: ChannelPoolOptions<Channel>) {
    this.#options = options;
  }

  get isWaitedFor(): boolean {
    return this.#waiting.length > 0;
  }

  /** @throws ShardError */
  acquire(): Promise<Channel> {
    if (this.#isClosed) return Promise.reject(closedError());
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      idle.setPatience(0);
      return Promise.resolve(idle);
    }
    const isFull = this.#all.size + this.#openingCount >= this.#options.countMax;
    if (isFull && this.#options.makeRoom?.() !== true) return this.#wait();
    return this.#open();
  }

  /** Takes back what was acquired. */
  release(channel: Channel): void {
    const turn = this.#waiting.shift();
    if (channel.isClosed) {
      this.#all.delete(channel);
      turn?.resolve(this.#open());
    } else if (turn !== undefined) {
      turn.resolve(Promise.resolve(channel));
    } else {
      this.#idle.push(channel);
      channel.setPatience(IDLE_MS, () => this.drop(channel, closedError()));
    }
  }

  /** Closes one. */
  drop(channel: Channel, error: unknown): void {
    this.#forget(channel);
    channel.close(error);
  }

  /** Closes what is not in use, and ends what waits for a channel. */
  renew(): void {
    const error = new ConnectionError(`${this.#options.url}: the node is away`);
    for (const channel of this.#idle) this.drop(channel, error);
    this.#endWaiting(error);
  }

  /** Cuts off everything; nothing is acquired any more. */
  close(): void {
    this.#isClosed = true;
    const error = closedError();
    for (const channel of this.#all) this.drop(channel, error);
    this.#endWaiting(error);
  }

  #endWaiting(error: ShardError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  async #open(): Promise<Channel> {
    this.#openingCount += 1;
    try {
      const channel = await this.#options.open((ended) => this.#onEnd(ended));
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

  #wait(): Promise<Channel> {
    const { url, deadlineMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timeout = awakeTimeout(deadlineMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(new LateError(url, deadlineMs));
      });
      const turn: Turn<Channel> = {
        resolve: (channel) => {
          timeout.cancel();
          resolve(channel);
        },
        reject: (error) => {
          timeout.cancel();
          reject(error);
        },
      };
      this.#waiting.push(turn);
    });
  }

  #forget(channel: Channel): void {
    this.#all.delete(channel);
    this.#idle = this.#idle.filter((each) => each !== channel);
  }

  #onEnd(channel: Channel): void {
    const wasIdle = this.#idle.includes(channel);
    this.#forget(channel);
    // Where it was in use, the failure of that is judged by itself.
    if (wasIdle) this.#options.onDisconnect();
  }
}

/** Asked anew, it would take as long again. */
export class LateError extends ConnectionError {
  constructor(url: string, deadlineMs: number) {
    super(`${url}: no answer within ${deadlineMs} ms`);
  }
}

export function closedError(): ShardError {
  return new ShardError("Unavailable", "the connection to the node is closed");
}
