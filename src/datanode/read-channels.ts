// The channels on which one drive of a node is read: those that carry the rest of an answer are kept for the read that wants it
// next. Invariant: a read that was given up has closed its channel.

import { awakeTimeout } from "../util/awake-timeout.ts";
import { ChannelPool, closedError, LateError, type ChannelPoolOptions } from "./channel-pool.ts";
import { ConnectionError } from "./exchange.ts";
import type { ReadChannel, ShardRead } from "./read-channel.ts";

const CHANNEL_COUNT_MAX = 64;
/** How long the rest of an answer waits for whoever wants it: it holds memory of both kernels and of the node. */
const PARKED_MS = 2_000;

export interface ReadChannelsOptions extends Pick<
  ChannelPoolOptions<ReadChannel>,
  "onDisconnect" | "open" | "url"
> {
  /** How long a read may take, in milliseconds. */
  readonly deadlineMs: number;
}

export class ReadChannels {
  readonly #options: ReadChannelsOptions;
  readonly #pool: ChannelPool<ReadChannel>;
  #parked: ReadChannel[] = [];

  constructor(options: ReadChannelsOptions) {
    this.#options = options;
    this.#pool = new ChannelPool({
      ...options,
      countMax: CHANNEL_COUNT_MAX,
      open: (onEnd) => options.open((ended) => this.#onEnd(ended, onEnd)),
      makeRoom: () => this.#makeRoom(),
    });
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
    return this.#readOn(await this.#pool.acquire(), read);
  }

  /** Closes what is not in use, and ends what waits for a channel. */
  renew(): void {
    const error = new ConnectionError(`${this.#options.url}: the node is away`);
    for (const channel of this.#parked) this.#drop(channel, error);
    this.#pool.renew();
  }

  /** Cuts off everything; no read succeeds any more. */
  close(): void {
    this.#parked = [];
    this.#pool.close();
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

  #release(channel: ReadChannel): void {
    if (channel.isParked && !this.#pool.isWaitedFor) {
      this.#parked.push(channel);
      channel.setPatience(PARKED_MS, () => this.#drop(channel, closedError()));
      return;
    }
    // Whoever waits for a channel cannot use what is left of this one's answer.
    if (channel.isParked) channel.close(closedError());
    this.#pool.release(channel);
  }

  #makeRoom(): boolean {
    const [oldest] = this.#parked;
    if (oldest === undefined) return false;
    this.#drop(oldest, closedError());
    return true;
  }

  #drop(channel: ReadChannel, error: unknown): void {
    this.#forget(channel);
    this.#pool.drop(channel, error);
  }

  #forget(channel: ReadChannel): boolean {
    const count = this.#parked.length;
    this.#parked = this.#parked.filter((each) => each !== channel);
    return this.#parked.length < count;
  }

  #onEnd(channel: ReadChannel, onEnd: (channel: ReadChannel) => void): void {
    onEnd(channel);
    if (this.#forget(channel)) this.#options.onDisconnect();
  }
}
