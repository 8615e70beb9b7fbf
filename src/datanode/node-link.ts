// The way to one data node: connections, signatures, deadlines, and the knowledge whether the node is there.
// A node that fails once is asked for a sign of life before anything else is sent; while it gives none, calls fail at
// once and it is asked again in the background, so that it comes back by itself.
// Invariant: a link speaks to one node id for life; another node at the same address is refused with words.

import type { Pool } from "undici";
import type { Authority } from "../journal/journal-member.ts";
import type { Clock } from "../util/clock.ts";
import { ChannelPool } from "./channel-pool.ts";
import type { DirectSocket } from "./direct-socket.ts";
import { download } from "./download.ts";
import { Exchange, ConnectionError, type ExchangeRequest } from "./exchange.ts";
import { NodePools } from "./node-pools.ts";
import { NodeReads } from "./node-reads.ts";
import { openChannel } from "./open-channel.ts";
import { NodeProofs } from "./node-proofs.ts";
import { HELLO_PATH, parseHello, WRITES_PATH, type NodeHello } from "./protocol.ts";
import { ReadChannel, type ShardRead } from "./read-channel.ts";
import { READ_UPGRADE } from "./read-frames.ts";
import {
  bodyDigest,
  deriveClusterKeys,
  deriveReadKeys,
  deriveWriteKeys,
  EMPTY_BODY_DIGEST,
  makeNonce,
  type ClusterKeys,
} from "./rpc-auth.ts";
import { ShardError } from "./shard-store.ts";
import { WriteChannel, type WriteCall } from "./write-channel.ts";
import { WRITE_UPGRADE } from "./write-frames.ts";

const HELLO_DEADLINE_MS = 2_000;
/** Calls under way or waiting for a connection. */
const CALL_COUNT_MAX = 2_048;
/** Writes under way: each slow upload keeps a channel. */
const WRITE_COUNT_MAX = 1_000;

export interface NodeLinkOptions {
  /** `http://host:port` */
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
  /** How long a call may take, in milliseconds. */
  readonly deadlineMs: number;
  /** How often a node that is away is asked whether it is back, in milliseconds. */
  readonly retryMs: number;
  /** Hears what the node says of itself whenever it is there again; throws to refuse it. */
  readonly onHello: (hello: NodeHello) => void;
  /** Hears in words why the node is away, once each time it goes. */
  readonly onAway: (problem: string) => void;
  /** For whom changes are asked that name nobody themselves; undefined: for nobody in particular. */
  readonly owner?: (() => Authority | undefined) | undefined;
  /** Hears that a drive refuses a change, since it has promised itself to another gateway. */
  readonly onFenced?: ((error: ShardError) => void) | undefined;
}

/** A request as callers make it, whose answer is short. */
export interface NodeCall {
  readonly method: "DELETE" | "GET" | "POST";
  readonly path: string;
  readonly body?: Uint8Array | undefined;
  readonly owner?: Authority | undefined;
  /** How long it may take, in milliseconds, while the node gives signs of life; the link's deadline where absent. */
  readonly patienceMs?: number | undefined;
}

/** A long answer of which the caller knows the size, and can tell whether it is right. */
export interface NodeDownload {
  readonly path: string;
  readonly sizeBytes: number;
}

/** A request whose body follows as it comes. */
export interface NodeWrite {
  readonly method: "POST" | "PUT";
  readonly path: string;
  /** SHA-256 of the body in hex, or `UNSIGNED_BODY`. */
  readonly body: string;
  readonly owner?: Authority | undefined;
}

type LinkState = "away" | "closed" | "unsure" | "up";

export class NodeLink {
  readonly url: string;
  readonly deadlineMs: number;
  readonly #options: NodeLinkOptions;
  readonly #keys: ClusterKeys;
  readonly #proofs: NodeProofs;
  readonly #pools: NodePools;
  readonly #reads: NodeReads;
  readonly #writes: ChannelPool<WriteChannel>;
  /** Then nothing is read ahead: what is decrypted already cannot wait in the kernel. */
  readonly #isTls: boolean;
  #state: LinkState = "unsure";
  #hello: NodeHello | undefined;
  #problem = "the node was not asked yet";
  #check: Promise<void> | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #callCount = 0;

  constructor(options: NodeLinkOptions) {
    this.url = options.url;
    this.deadlineMs = options.deadlineMs;
    this.#options = options;
    const { clock, owner, url } = options;
    this.#keys = deriveClusterKeys(options.secret);
    this.#proofs = new NodeProofs({ url, keys: this.#keys, clock, owner });
    this.#isTls = options.url.startsWith("https:");
    const onDisconnect = (): void => this.#doubt();
    this.#pools = new NodePools(options.url, onDisconnect);
    this.#reads = new NodeReads({
      url: options.url,
      deadlineMs: options.deadlineMs,
      open: (path, onEnd) => this.#openReads(path, onEnd),
      onDisconnect,
    });
    this.#writes = new ChannelPool({
      url: options.url,
      countMax: WRITE_COUNT_MAX,
      deadlineMs: options.deadlineMs,
      open: (onEnd) => this.#openWrites(onEnd),
      onDisconnect,
    });
  }

  /** Why the node is away, in words; undefined while nothing is known against it. */
  get problem(): string | undefined {
    const isTrusted =
      this.#state === "up" || (this.#state === "unsure" && this.#hello !== undefined);
    return isTrusted ? undefined : this.#problem;
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /** Asks the node once, now, unless it is known to be there or away; never rejects. */
  async greet(): Promise<void> {
    if (this.#state === "unsure") await this.#checkOnce();
  }

  /** One call within the deadline. @throws ShardError */
  async call(call: NodeCall): Promise<Uint8Array> {
    const hello = await this.#connected();
    if (this.#callCount >= CALL_COUNT_MAX) {
      throw new ShardError("Unavailable", `${this.url}: too many calls wait for the node`);
    }
    this.#callCount += 1;
    try {
      return await this.#exchange(this.#pools.calls, call, { hello, deadlineMs: this.deadlineMs });
    } catch (error) {
      throw this.#judge(error);
    } finally {
      this.#callCount -= 1;
    }
  }

  /** Reads on a channel that `path` opens, straight into the target. @throws ShardError */
  async read(path: string, read: ShardRead): Promise<void> {
    if (this.#state !== "up") await this.#connected();
    if (this.#callCount >= CALL_COUNT_MAX) {
      throw new ShardError("Unavailable", `${this.url}: too many calls wait for the node`);
    }
    this.#callCount += 1;
    try {
      await this.#reads.read(path, this.#isTls ? { ...read, aheadBytes: 0 } : read);
    } catch (error) {
      throw this.#judge(error);
    } finally {
      this.#callCount -= 1;
    }
  }

  /** Begins a request on a channel for writes; its progress and its end are the caller's to watch over. @throws ShardError */
  async beginWrite({ method, path, body, owner }: NodeWrite): Promise<WriteCall> {
    if (this.#state !== "up") await this.#connected();
    const write = { method, url: path, body, owner: this.#proofs.standingOf(owner) };
    const channel = await this.#acquireWrites();
    try {
      const { head, send, renderEnd, abort, done } = channel.begin(write);
      return { head, send, renderEnd, abort, done: this.#finishWrite(channel, done) };
    } catch (error) {
      this.#writes.release(channel);
      throw error;
    }
  }

  async #acquireWrites(): Promise<WriteChannel> {
    try {
      return await this.#writes.acquire();
    } catch (error) {
      throw this.#judge(error);
    }
  }

  async #finishWrite(channel: WriteChannel, done: Promise<void>): Promise<void> {
    try {
      await done;
    } catch (error) {
      throw this.#judge(error);
    } finally {
      this.#writes.release(channel);
    }
  }

  /** Each piece has the link's deadline. @throws ShardError, JournalError */
  async *download({ path, sizeBytes }: NodeDownload): AsyncGenerator<Uint8Array> {
    const hello = await this.#connected();
    const nonce = makeNonce();
    const headers = this.#proofs.signGet({ path, nonce, hello });
    const { url, deadlineMs } = this;
    try {
      yield* download(
        this.#pools.downloads,
        { url, path, headers, deadlineMs, sizeBytes },
        (head) => {
          this.#proofs.accept(head, nonce, true);
        },
      );
    } catch (error) {
      throw this.#judge(error);
    }
  }

  /** After this no call succeeds; connections in use are cut off. */
  async close(): Promise<void> {
    this.#state = "closed";
    this.#problem = "the connection to the node is closed";
    clearTimeout(this.#retryTimer);
    this.#reads.close();
    this.#writes.close();
    await this.#pools.destroy();
  }

  async #connected(): Promise<NodeHello> {
    if (this.#state === "unsure") await this.#checkOnce();
    if (this.#state !== "up" || this.#hello === undefined) {
      throw new ShardError("Unavailable", `${this.url}: ${this.#problem}`);
    }
    return this.#hello;
  }

  /** A node that restarts closes its connections, and is another session afterwards. */
  #doubt(): void {
    if (this.#state === "up") this.#state = "unsure";
  }

  #openReads(path: string, onEnd: (channel: ReadChannel) => void): Promise<ReadChannel> {
    return this.#openChannel({ path, protocol: READ_UPGRADE }, (socket, nonce, salt) => {
      return new ReadChannel(socket, deriveReadKeys(this.#keys, nonce, salt), onEnd);
    });
  }

  #openWrites(onEnd: (channel: WriteChannel) => void): Promise<WriteChannel> {
    const upgrade = { path: WRITES_PATH, protocol: WRITE_UPGRADE };
    return this.#openChannel(upgrade, (socket, nonce, salt) => {
      return new WriteChannel(socket, deriveWriteKeys(this.#keys, nonce, salt), onEnd);
    });
  }

  async #openChannel<Channel extends { fail(error: ConnectionError): void }>(
    { path, protocol }: { readonly path: string; readonly protocol: string },
    make: (socket: DirectSocket, nonce: string, salt: string) => Channel,
  ): Promise<Channel> {
    const hello = await this.#connected();
    const { url, deadlineMs } = this;
    const nonce = makeNonce();
    const headers = this.#proofs.signGet({ path, nonce, hello });
    return openChannel({
      url,
      path,
      protocol,
      headers,
      deadlineMs,
      accept: (socket, answer, salt) => {
        this.#proofs.acceptUpgrade(answer, nonce, salt);
        return make(socket, nonce, salt);
      },
    });
  }

  /** A failure that may mean that the node is gone has it checked before the next call. */
  #judge(error: unknown): unknown {
    if (error instanceof ShardError && error.code === "Fenced") this.#options.onFenced?.(error);
    const isSuspicious =
      error instanceof ConnectionError || (error instanceof ShardError && error.code === "Denied");
    if (isSuspicious && (this.#state === "up" || this.#state === "unsure")) {
      this.#state = "unsure";
      void this.#checkOnce();
    }
    return error;
  }

  #checkOnce(): Promise<void> {
    this.#check ??= this.#sayHello().finally(() => {
      this.#check = undefined;
    });
    return this.#check;
  }

  async #sayHello(): Promise<void> {
    try {
      const call = { method: "GET", path: HELLO_PATH } as const;
      const deadlineMs = Math.min(HELLO_DEADLINE_MS, this.deadlineMs);
      const hello = parseHello(await this.#exchange(this.#pools.hellos, call, { deadlineMs }));
      this.#options.onHello(hello);
      if (this.#state === "closed") return;
      this.#hello = hello;
      this.#state = "up";
    } catch (error) {
      if (this.#state !== "closed") this.#goAway(error);
    }
  }

  #goAway(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    const isNews = this.#state !== "away" || problem !== this.#problem;
    if (this.#state !== "away") {
      this.#pools.renew();
      this.#reads.renew();
      this.#writes.renew();
    }
    this.#state = "away";
    this.#problem = problem;
    if (isNews) this.#options.onAway(problem);
    this.#retryTimer = setTimeout(() => void this.#checkOnce(), this.#options.retryMs);
    this.#retryTimer.unref();
  }

  async #exchange(
    pool: Pool,
    { method, path, body, owner, patienceMs }: NodeCall,
    { hello, deadlineMs }: { readonly hello?: NodeHello; readonly deadlineMs: number },
  ): Promise<Uint8Array> {
    const nonce = makeNonce();
    const digest = body === undefined ? EMPTY_BODY_DIGEST : bodyDigest(body);
    const headers = this.#proofs.sign({ method, path, nonce, hello, body: digest, owner });
    const request: ExchangeRequest = { method, path, headers, body };
    const exchange = new Exchange(pool, request);
    const stopWatch = this.watch(exchange, patienceMs ?? deadlineMs, deadlineMs);
    try {
      return this.#proofs.accept(await exchange.answer, nonce, false);
    } finally {
      stopWatch();
    }
  }

  /**
   * Ends what gets no answer: at its deadline, or later, while the node gives signs of life and there is
   * patience left. Returns what ends the watch.
   */
  watch(
    waiting: { abort(error: Error): void },
    patienceMs: number,
    deadlineMs = this.deadlineMs,
  ): () => void {
    let leftMs = patienceMs;
    let isOver = false;
    let timer: NodeJS.Timeout;
    const giveUp = (): void => {
      waiting.abort(new ConnectionError(`${this.url}: no answer within ${patienceMs} ms`));
    };
    const look = async (): Promise<void> => {
      leftMs -= deadlineMs;
      if (leftMs <= 0) return giveUp();
      // While it is up, a hello fails only when the node does.
      await this.#checkOnce();
      if (isOver) return;
      if (this.#state !== "up") return giveUp();
      timer = setTimeout(() => void look(), deadlineMs);
    };
    timer = setTimeout(() => void look(), deadlineMs);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }
}
