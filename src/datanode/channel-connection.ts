// What a node's connections have in common once HTTP has ended on them: they end when they are silent, or when the node does.

import type { Socket } from "node:net";
import { ShardError } from "./shard-store.ts";

export abstract class ChannelConnection {
  protected readonly socket: Socket;
  protected readonly silenceMs: number;
  #isBusy = false;
  #isEnding = false;

  /** `silenceMs`: how long nothing may move on it, in milliseconds. */
  constructor(socket: Socket, silenceMs: number) {
    this.socket = socket;
    this.silenceMs = silenceMs;
    // Whoever went away asks again elsewhere; what is under way ends by itself.
    socket.on("error", () => undefined);
    socket.on("end", () => this.destroy());
    socket.setTimeout(silenceMs, () => this.destroy());
  }

  /** Ends it as soon as it answers nothing. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isBusy) this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  protected get isBusy(): boolean {
    return this.#isBusy;
  }

  protected get isEnding(): boolean {
    return this.#isEnding;
  }

  protected set isBusy(isBusy: boolean) {
    this.#isBusy = isBusy;
    if (!isBusy && this.#isEnding) this.socket.end();
  }
}

/** The connections of one kind. */
export class ChannelConnections {
  readonly #all = new Set<ChannelConnection>();

  add(connection: ChannelConnection, socket: Socket): void {
    this.#all.add(connection);
    socket.on("close", () => this.#all.delete(connection));
  }

  /** Ends connections as soon as they answer nothing. */
  close(): void {
    for (const connection of this.#all) connection.end();
  }

  /** Cuts off the rest. */
  destroy(): void {
    for (const connection of this.#all) connection.destroy();
  }
}

/** Bounds what is done at a time. */
export class CountBound {
  readonly #countMax: number;
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** @throws ShardError Unavailable where too much is done already. */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#count >= this.#countMax) throw new ShardError("Unavailable", "the node is busy");
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
    }
  }
}
