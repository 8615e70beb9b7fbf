// The body of one request, from the socket to whoever takes it apart: a bounded queue with back-pressure. 100-continue
// is sent when the first byte is wanted and not before. A client that stops sending, or goes away, fails the reading;
// the connection stays whole meanwhile, so that the refusal can still be sent.

import type { IncomingMessage } from "node:http";
import { S3Error } from "../core/s3-error.ts";
import { assert } from "../util/assert.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import { PastParser } from "./past-parser.ts";

export interface RequestBodyOptions {
  /** Called once, before the first byte is read. */
  readonly beforeFirstRead: () => void;
  /** A client that sends next to nothing for this long is given up, in milliseconds. */
  readonly idleMs: number;
}

/** What is taken from the socket ahead of the reader, in bytes. */
const QUEUE_BYTES_MAX = 256 * 1024;
/** What comes of a smaller body past the parser would not be worth the change. */
const PAST_PARSER_BYTES_MIN = 256 * 1024;
/** Less than this, twice in a row, is no progress: a byte a second must not hold a connection for ever. */
const PROGRESS_BYTES_MIN = 512;

export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #message: IncomingMessage;
  readonly #options: RequestBodyOptions;
  readonly #queue = new ChunkQueue();
  /** Where the body comes past the parser. */
  #pastParser: PastParser | undefined;
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
    return this.#chunks(false);
  }

  /** The same for whoever is done with a chunk when asking for the next: its memory is given back then. */
  passing(): AsyncIterable<Uint8Array> {
    return new PassingBody(() => this.#chunks(true));
  }

  async *#chunks(isPassing: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    this.#start(isPassing);
    const watch = this.#watchProgress();
    try {
      for (;;) {
        const chunk = this.#take();
        if (chunk !== undefined) {
          yield chunk;
          if (isPassing) this.#queue.release();
        } else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#isEnded) return;
        else await this.#nextEvent();
      }
    } finally {
      clearInterval(watch);
      this.#stop();
    }
  }

  #start(isPassing: boolean): void {
    assert(this.#state === "new", "a request body is read once");
    this.#state = "reading";
    this.#options.beforeFirstRead();
    const message = this.#message;
    message.on("end", this.#onEnd);
    message.on("error", this.#onGone);
    message.on("close", this.#onGone);
    if (message.destroyed) this.#onGone();
    const sizeBytes = isPassing ? declaredBytes(message) : 0;
    if (sizeBytes < PAST_PARSER_BYTES_MIN || !PastParser.hold(message)) this.#listen();
    // The parser may be at work just now.
    else setImmediate(() => this.#passParser(sizeBytes));
  }

  #listen(): void {
    this.#message.on("data", this.#onData);
  }

  /** What is to come of a large body need not go through the parser. */
  #passParser(sizeBytes: number): void {
    const message = this.#message;
    if (this.#state === "reading") {
      // What has come through the parser is before what is still in the socket.
      const waiting: unknown = message.read();
      if (waiting instanceof Uint8Array) this.#onData(waiting);
      const restBytes = sizeBytes - this.#receivedBytes;
      this.#pastParser = PastParser.begin(message, restBytes, this.#onBytes);
      this.#listen();
    }
    if (this.#pastParser === undefined) PastParser.letGo(message);
  }

  #stop(): void {
    this.#state = "done";
    this.#pastParser?.end();
    this.#queue.clear();
    this.#message.off("data", this.#onData);
    this.#message.off("end", this.#onEnd);
    this.#message.pause();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#queue.push(chunk);
    if (!this.#note(chunk)) this.#message.pause();
  };

  readonly #onBytes = (bytes: Uint8Array): boolean => {
    this.#queue.copy(bytes);
    return this.#note(bytes);
  };

  /** Some bytes have come; whether more may. */
  #note({ byteLength }: Uint8Array): boolean {
    this.#receivedBytes += byteLength;
    // Another piece like it is to have room.
    if (this.#queue.sizeBytes + byteLength > QUEUE_BYTES_MAX) this.#isPaused = true;
    this.#wake?.();
    return !this.#isPaused;
  }

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
    if (this.#isPaused && this.#queue.sizeBytes < QUEUE_BYTES_MAX / 2) {
      this.#isPaused = false;
      this.#message.resume();
      this.#pastParser?.resume();
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

/** 0 where the message does not say how long it is. */
function declaredBytes({ headers }: IncomingMessage): number {
  if (headers["transfer-encoding"] !== undefined) return 0;
  return Number(headers["content-length"] ?? 0);
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
