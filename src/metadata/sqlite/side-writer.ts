// The way to the writer from another process of the same server: a socket instead of a thread's port. A connection that
// ends is made anew for a while; what was under way then may be durable or not, as when the writer's thread has died.

import { createConnection, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Clock } from "../../util/clock.ts";
import { giveBack } from "../../util/give-back.ts";
import { requireOwnFolder } from "../../util/own-folder.ts";
import { FRAME_BYTES_MAX, frameOf, FrameReader, messageIn, rawFrameOf } from "./write-frames.ts";
import type { WriterDoor } from "./write-listener.ts";
import type { GroupReply, SideNews, ToWriter } from "./write-protocol.ts";
import { WriteQueue } from "./write-queue.ts";

const RETRY_MS = 50;
/** So long the door may be shut: a thread that takes another's place opens it at once, before it has the database open. */
const PATIENCE_MS = 60_000;

export interface SideWriterOptions extends WriterDoor {
  readonly clock: Clock;
  /** Among them "ready" whenever there is a writer: the database may be another one by then. */
  readonly onNews: (news: SideNews) => void;
  /** How long the door may be shut, in monotonic milliseconds. */
  readonly patienceMs?: number | undefined;
}

export class SideWriter {
  readonly queue: WriteQueue;
  readonly #options: SideWriterOptions;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the door was last seen open, in monotonic milliseconds. */
  #openAt: number;
  /** Something has come through it on this connection. */
  #isOpen = false;
  #onReady: (() => void) | undefined;
  #onRefused: ((error: Error) => void) | undefined;
  #onClosed: (() => void) | undefined;
  #isClosing = false;

  constructor(options: SideWriterOptions) {
    this.#options = options;
    this.#openAt = options.clock.monotonic();
    this.queue = new WriteQueue(
      { send: (message) => this.#send(message), close: () => this.#close() },
      options.clock,
    );
  }

  /** Resolves when there is a writer with its database open. @throws when the door stays shut, or what `onNews` throws. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onReady = resolve;
      this.#onRefused = reject;
      this.#connect();
    });
  }

  #send(message: ToWriter): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const frame = frameOf(message);
    socket.write(frame, () => giveBack(frame));
  }

  #connect(): void {
    const { socketPath, token } = this.#options;
    try {
      requireOwnFolder(dirname(socketPath));
    } catch (error) {
      this.#lose(asError(error));
      return;
    }
    const socket = createConnection(socketPath);
    this.#socket = socket;
    let problem = new Error("the metadata's writer has closed the connection");
    const frames = new FrameReader(FRAME_BYTES_MAX, (frame) => {
      this.#isOpen = true;
      this.#take(messageIn(frame) as GroupReply | SideNews);
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        frames.push(chunk);
      } catch (error) {
        socket.destroy(asError(error));
      }
    });
    socket.on("error", (error: Error) => (problem = error));
    socket.once("close", () => this.#lose(problem));
    socket.write(rawFrameOf(token));
  }

  #take(message: GroupReply | SideNews): void {
    if (message.kind === "answers" || message.kind === "group-failed") {
      this.queue.receive(message);
      return;
    }
    try {
      this.#options.onNews(message);
    } catch (error) {
      // At the start that is the end; later the connection ends, and it is tried again with the next one.
      this.#onRefused?.(asError(error));
      throw error;
    }
    if (message.kind !== "ready") return;
    this.queue.resume();
    this.#onRefused = undefined;
    this.#onReady?.();
  }

  #lose(problem: Error): void {
    this.#socket = undefined;
    if (this.#isClosing) {
      this.#onClosed?.();
      return;
    }
    const { clock, patienceMs = PATIENCE_MS } = this.#options;
    // A door that was open until now has been shut for no time, however long nothing came through it.
    if (this.#isOpen) this.#openAt = clock.monotonic();
    this.#isOpen = false;
    if (clock.monotonic() - this.#openAt < patienceMs) {
      this.queue.interrupt(problem);
      this.#timer = setTimeout(() => this.#connect(), RETRY_MS);
      return;
    }
    this.queue.fail(problem);
    this.#onRefused?.(problem);
  }

  /** Nothing is under way any more, or it is given up. */
  #close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      socket.destroySoon();
    });
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
