// The body of one request, from the socket to whoever takes it apart: a bounded queue with back-pressure. 100-continue
// is sent when the first byte is wanted and not before. A client that stops sending, or goes away, fails the reading;
// the connection stays whole meanwhile, so that the refusal can still be sent.

import type { IncomingMessage } from "node:http";
import { S3Error } from "../core/s3-error.ts";
import { assert } from "../util/assert.ts";
import { giveBack } from "../util/give-back.ts";

export interface RequestBodyOptions {
  /** Called once, before the first byte is read. */
  readonly beforeFirstRead: () => void;
  /** A client that sends next to nothing for this long is given up, in milliseconds. */
  readonly idleMs: number;
}

/** What is taken from the socket ahead of the reader, in bytes. */
const QUEUE_BYTES_MAX = 256 * 1024;
/** Less than this, twice in a row, is no progress: a byte a second must not hold a connection for ever. */
const PROGRESS_BYTES_MIN = 512;

export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #message: IncomingMessage;
  readonly #options: RequestBodyOptions;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #receivedBytes = 0;
  #isEnded = false;
  #isPaused = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #state: "done" | "new" | "reading" = "new";

  constructor(message: IncomingMessage, options: RequestBodyOptions) {
    this.#message = message;
    this.#options = options;
  }

  /** Bytes that came so far, framing of the transfer not counted. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Ends the reading with an error, also where it has not begun; what has been read to its end stays read. */
  fail(error: Error): void {
    if (this.#state === "done" || this.#isEnded || this.#failure !== undefined) return;
    this.#failure = error;
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#chunks();
  }

  /** The same for whoever is done with a chunk when asking for the next: its memory is given back then. */
  passing(): AsyncIterable<Uint8Array> {
    return new PassingBody(() => this.#chunks(giveBack));
  }

  async *#chunks(
    release?: (chunk: Uint8Array) => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#start();
    const watch = this.#watchProgress();
    try {
      for (;;) {
        const chunk = this.#take();
        if (chunk !== undefined) {
          yield chunk;
          release?.(chunk);
        } else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#isEnded) return;
        else await this.#nextEvent();
      }
    } finally {
      clearInterval(watch);
      this.#stop();
    }
  }

  #start(): void {
    assert(this.#state === "new", "a request body is read once");
    this.#state = "reading";
    this.#options.beforeFirstRead();
    const message = this.#message;
    message.on("data", this.#onData);
    message.on("end", this.#onEnd);
    message.on("error", this.#onGone);
    message.on("close", this.#onGone);
    if (message.destroyed) this.#onGone();
  }

  #stop(): void {
    this.#state = "done";
    this.#message.off("data", this.#onData);
    this.#message.off("end", this.#onEnd);
    this.#message.pause();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    this.#receivedBytes += chunk.byteLength;
    if (this.#queuedBytes >= QUEUE_BYTES_MAX) {
      this.#isPaused = true;
      this.#message.pause();
    }
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    this.#wake?.();
  };

  readonly #onGone = (): void => {
    // Every request closes in the end; most have been read by then.
    if (this.#state === "done" || this.#isEnded) return;
    this.fail(new S3Error("IncompleteBody", { cause: new Error("the client went away") }));
  };

  #take(): Uint8Array | undefined {
    const chunk = this.#queue.shift();
    if (chunk === undefined) return undefined;
    this.#queuedBytes -= chunk.byteLength;
    if (this.#isPaused && this.#queuedBytes < QUEUE_BYTES_MAX / 2) {
      this.#isPaused = false;
      this.#message.resume();
    }
    return chunk;
  }

  async #nextEvent(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /** Looks twice in the time allowed: both times waiting for the client, and hardly anything came in between. */
  #watchProgress(): NodeJS.Timeout {
    let seenBytes = -1;
    return setInterval(() => {
      const isWaiting = this.#wake !== undefined;
      const isStalled = seenBytes >= 0 && this.#receivedBytes - seenBytes < PROGRESS_BYTES_MIN;
      if (isWaiting && isStalled) this.fail(new S3Error("RequestTimeout"));
      seenBytes = isWaiting ? this.#receivedBytes : -1;
    }, this.#options.idleMs / 2);
  }
}

/** A class, for a name that is computed makes an object that is slow to make and to use. */
class PassingBody implements AsyncIterable<Uint8Array> {
  readonly #chunks: () => AsyncGenerator<Uint8Array, void, undefined>;

  constructor(chunks: () => AsyncGenerator<Uint8Array, void, undefined>) {
    this.#chunks = chunks;
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#chunks();
  }
}
