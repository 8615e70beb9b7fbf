// A node's side of the channels for writes (write-frames.ts): takes the head of a request, lets it be done with the body as it
// comes, and answers. Invariant: of what was done where nobody can be told of it, what can be undone is.

import type { Socket } from "node:net";
import type { Logger } from "../telemetry/logger.ts";
import { assert } from "../util/assert.ts";
import { ChannelConnection, ChannelConnections, CountBound } from "./channel-connection.ts";
import { nextSequence, renderProvenAnswer } from "./channel-frames.ts";
import { errorAnswer, isKnownError } from "./node-answer.ts";
import type { DriveAnswer } from "./node-routes.ts";
import type { WriteChannelKeys } from "./rpc-auth.ts";
import { StreamedBody } from "./streamed-body.ts";
import { parseWriteHead, type WireWrite } from "./write-frames.ts";

/** Shards being written at a time: each slow upload keeps one open. */
const STREAM_COUNT_MAX = 1024;
/** What comes as a whole, at a time: records of journals above all, which uploads must not keep out. */
const CALL_COUNT_MAX = 512;
/** How long a head may take that has begun to come. */
const HEAD_MS_MAX = 10_000;
/** How long the rest of a refused body is read, so that the refusal is not lost in a reset. */
const LINGER_MS = 2_000;

/** What a request asks for, where it asks for something. */
export interface WriteWork {
  /** Whether it lasts as long as its sender likes. */
  readonly isStreamed: boolean;
  /** How long it may take, in milliseconds, while nothing moves on the connection. */
  readonly patienceMs: number | undefined;
  readonly run: (body: StreamedBody) => Promise<DriveAnswer>;
}

export interface WriteServiceOptions {
  /** @throws RefusedRequestError, ShardError */
  readonly find: (write: WireWrite) => WriteWork;
  readonly logger: Logger;
  /** How long nothing may move on a connection, in milliseconds. */
  readonly silenceMs: number;
}

export class WriteService {
  readonly #options: WriteServiceOptions;
  readonly #connections = new ChannelConnections();
  readonly #bounds = {
    streams: new CountBound(STREAM_COUNT_MAX),
    calls: new CountBound(CALL_COUNT_MAX),
  };

  constructor(options: WriteServiceOptions) {
    this.#options = options;
  }

  /** Serves a channel until it ends. */
  serve(socket: Socket, keys: WriteChannelKeys): void {
    const parts = { ...this.#options, ...this.#bounds, keys };
    this.#connections.add(new WriteConnection(socket, parts), socket);
  }

  /** Ends connections as soon as they answer nothing. */
  close(): void {
    this.#connections.close();
  }

  /** Cuts off the rest. */
  destroy(): void {
    this.#connections.destroy();
  }
}

interface WriteConnectionParts extends WriteServiceOptions {
  readonly keys: WriteChannelKeys;
  readonly streams: CountBound;
  readonly calls: CountBound;
}

class WriteConnection extends ChannelConnection {
  readonly #parts: WriteConnectionParts;
  #received: Buffer = Buffer.alloc(0);
  #sequence = 0;
  /** Of the request that is under way. */
  #body: StreamedBody | undefined;
  #isDeaf = false;
  #headTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, parts: WriteConnectionParts) {
    super(socket, parts.silenceMs);
    this.#parts = parts;
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("close", () => {
      clearTimeout(this.#headTimer);
      this.#body?.fail(new Error("the body was broken off"));
    });
    socket.resume();
  }

  #receive(bytes: Buffer): void {
    if (this.#isDeaf) return;
    // Nothing is begun any more that could not be answered.
    if (this.isEnding && this.#body === undefined) this.destroy();
    else if (this.#body === undefined) this.#receiveHead(bytes);
    // The next request is made when the last one was answered.
    else if (this.#body.isOver) this.destroy();
    else this.#body.push(bytes);
  }

  #receiveHead(bytes: Buffer): void {
    const received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    this.#received = received;
    const { request, bodyEnd } = this.#parts.keys;
    try {
      const head = parseWriteHead(request, this.#sequence, received);
      if (head === undefined) return this.#awaitHead();
      clearTimeout(this.#headTimer);
      this.#headTimer = undefined;
      const body = new StreamedBody(this.socket, { mac: bodyEnd, sequence: this.#sequence });
      this.#body = body;
      this.#received = Buffer.alloc(0);
      this.isBusy = true;
      const rest = received.subarray(head.headBytes);
      if (rest.length > 0) body.push(rest, received);
      void this.#serve(head.write, body);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #awaitHead(): void {
    this.#headTimer ??= setTimeout(() => this.destroy(), HEAD_MS_MAX);
  }

  async #serve(write: WireWrite, body: StreamedBody): Promise<void> {
    const { streams, calls, find } = this.#parts;
    try {
      const work = find(write);
      const bound = work.isStreamed ? streams : calls;
      const answer = await bound.run(() => this.#run(work, body));
      // What is left of a body would be taken for the next head.
      assert(body.isOver || this.socket.destroyed, "a body is taken to its end");
      if (this.socket.writable) this.#answer(answer);
      else await answer.undo?.();
    } catch (error) {
      this.#refuse(error);
    }
    this.isBusy = false;
  }

  async #run({ patienceMs, run }: WriteWork, body: StreamedBody): Promise<DriveAnswer> {
    if (patienceMs === undefined) return run(body);
    // What takes long then is work on a drive, not a gateway that is silent.
    this.socket.setTimeout(patienceMs);
    try {
      return await run(body);
    } finally {
      this.socket.setTimeout(this.silenceMs);
    }
  }

  #answer(answer: DriveAnswer): void {
    const { keys } = this.#parts;
    const sequence = this.#sequence;
    // From here on the next request may come.
    this.#sequence = nextSequence(sequence);
    this.#body = undefined;
    this.socket.write(renderProvenAnswer(keys.answer, sequence, answer));
  }

  /** Says why, and ends the connection: what is left of the body is read for a while, so that the sender gets to read the refusal. */
  #refuse(error: unknown): void {
    this.#isDeaf = true;
    // A sender that went away is no fault of the node.
    if (this.socket.destroyed) return;
    if (!isKnownError(error)) {
      this.#parts.logger.error({ err: error }, "a write of a gateway failed");
    }
    this.#body?.fail(error);
    const { answer } = this.#parts.keys;
    this.socket.write(renderProvenAnswer(answer, this.#sequence, errorAnswer(error)));
    if (this.#body === undefined) this.socket.end();
    this.#linger();
  }

  #linger(): void {
    const timer = setTimeout(() => this.destroy(), LINGER_MS);
    this.socket.once("close", () => clearTimeout(timer));
  }
}
