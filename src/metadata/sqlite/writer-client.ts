// Starts the writer thread and carries groups to it and answers back. A thread that dies is replaced: the next one opens
// the database anew, and with it an epoch. One that dies again and again is not, for then something is wrong that only
// a look at it, and a restart of the process, will mend.

import { Worker } from "node:worker_threads";
import type { Clock } from "../../util/clock.ts";
import { workerEntry } from "../../util/worker-entry.ts";
import type { WritePort } from "../write-operations.ts";
import type { FromWriter, ToWriter } from "./write-protocol.ts";
import { WriteQueue } from "./write-queue.ts";
import type { WriterData } from "./writer-thread.ts";

/** Threads that may take a dead one's place within the period. */
const RESTARTS_MAX = 3;
const RESTART_PERIOD_MS = 60_000;

export interface WriterOptions {
  /** Of metadata.db. */
  readonly path: string;
  readonly clock: Clock;
  /** How a thread is started; tests put their own hand between. */
  readonly spawn?: ((path: string) => Worker) | undefined;
}

/** Resolves when the thread has opened the database. @throws when it cannot. */
export async function startWriter(options: WriterOptions): Promise<WritePort> {
  const client = new WriterClient(options);
  await client.start();
  return client.queue;
}

class WriterClient {
  readonly queue: WriteQueue;
  readonly #options: WriterOptions;
  #worker: Worker | undefined;
  /** Resolves when the thread that is there now has ended. */
  #exited: Promise<void> = Promise.resolve();
  #isClosing = false;
  /** When threads were replaced, in monotonic milliseconds. */
  #restarts: number[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
    this.queue = new WriteQueue(
      { send: (message) => this.#send(message), close: () => this.#close() },
      options.clock,
    );
  }

  /** @throws when the thread does not get as far as having the database open. */
  async start(): Promise<void> {
    const { path, spawn = spawnWriter } = this.#options;
    const worker = spawn(path);
    let death = new Error("the metadata writer has ended");
    worker.on("error", (error: Error) => (death = error));
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
    });
    this.#worker = worker;
    this.#exited = exited;
    await new Promise<void>((resolve, reject) => {
      worker.once("exit", () => reject(death));
      worker.once("message", (message: FromWriter) => {
        if (message.kind === "unusable") reject(new Error(message.message));
        else resolve();
      });
    });
    worker.on("message", (message: FromWriter) => this.queue.receive(message));
    // Only then is its connection closed, and its lock gone: an error alone says that it will be soon.
    void exited.then(() => this.#replace(death));
  }

  /** Never rejects. */
  async #replace(death: Error): Promise<void> {
    if (this.#isClosing) return;
    let reason = death;
    this.queue.interrupt(reason);
    while (this.#mayRestart()) {
      try {
        await this.start();
        this.queue.resume();
        return;
      } catch (error) {
        reason = error instanceof Error ? error : new Error(String(error));
        await this.#exited;
      }
    }
    this.queue.fail(reason);
  }

  /** Notes the restart that follows. */
  #mayRestart(): boolean {
    const now = this.#options.clock.monotonic();
    this.#restarts = this.#restarts.filter((at) => now - at < RESTART_PERIOD_MS);
    if (this.#isClosing || this.#restarts.length >= RESTARTS_MAX) return false;
    this.#restarts.push(now);
    return true;
  }

  #send(message: ToWriter): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
    this.#worker?.postMessage(message);
  }

  /** Also when a thread is just being started: it takes the message once it is, or ends. */
  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#send({ kind: "close" });
    await this.#exited;
  }
}

function spawnWriter(path: string): Worker {
  const workerData: WriterData = { path };
  const entry = workerEntry(import.meta.url, "./writer-thread.js");
  // The flags of the host process (--eval, --import, --inspect, ...) are not for this thread.
  return new Worker(entry, { workerData, name: "metadata-writer", execArgv: [] });
}
