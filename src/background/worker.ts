// What every background worker is: work in steps, one at a time, with rest between them in proportion to the work, so
// that it never takes more than its share of the drives; a status; an end that waits for the step under way.
// A step that fails is logged and tried again later, more and more rarely.

import type { Logger } from "../telemetry/logger.ts";

export interface WorkerTask {
  readonly name: string;
  /** Does a bounded piece of work. "idle": nothing to do for now. The signal aborts when the worker is stopped. */
  readonly step: (signal: AbortSignal) => Promise<"busy" | "idle">;
  /** How long to wait after an idle step, in milliseconds. */
  readonly idleMs: number;
  /** Rest after a busy step, as a multiple of the time that the step took; 1 when not given. */
  readonly restFactor?: number;
}

export interface WorkerStatus {
  readonly name: string;
  readonly state: "failing" | "idle" | "resting" | "running" | "stopped";
  readonly stepCount: number;
  readonly failureCount: number;
  /** The message of the last step's error; undefined once a step has gone well. */
  readonly lastError: string | undefined;
}

const FAILURE_WAIT_MS = 1_000;
const FAILURE_WAIT_MS_MAX = 60_000;

/** Starts at once. Its timers keep no process alive. */
export function startWorker(task: WorkerTask, logger: Logger): Worker {
  const worker = new Worker(task, logger);
  worker.wake();
  return worker;
}

export class Worker {
  readonly #task: WorkerTask;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #state: WorkerStatus["state"] = "idle";
  #stepCount = 0;
  #failureCount = 0;
  #failuresInRow = 0;
  #lastError: string | undefined;

  constructor(task: WorkerTask, logger: Logger) {
    this.#task = task;
    this.#logger = logger;
  }

  get status(): WorkerStatus {
    return {
      name: this.#task.name,
      state: this.#state,
      stepCount: this.#stepCount,
      failureCount: this.#failureCount,
      lastError: this.#lastError,
    };
  }

  /** Takes the next step now instead of when its time comes; while one runs this does nothing. */
  wake(): void {
    if (this.#running !== undefined || this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#state = "running";
    this.#running = this.#run();
  }

  /** Resolves when the step under way has ended; no other begins. */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#running;
    this.#state = "stopped";
  }

  async #run(): Promise<void> {
    const waitMs = await this.#step();
    this.#running = undefined;
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => this.wake(), waitMs);
    this.#timer.unref();
  }

  /** Resolves to the milliseconds until the next step; never rejects. */
  async #step(): Promise<number> {
    const startedAt = performance.now();
    this.#stepCount += 1;
    try {
      const outcome = await this.#task.step(this.#abort.signal);
      this.#failuresInRow = 0;
      this.#lastError = undefined;
      this.#state = outcome === "busy" ? "resting" : "idle";
      if (outcome === "idle") return this.#task.idleMs;
      return (performance.now() - startedAt) * (this.#task.restFactor ?? 1);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): number {
    this.#failureCount += 1;
    this.#failuresInRow += 1;
    this.#state = "failing";
    this.#lastError = error instanceof Error ? error.message : String(error);
    this.#logger.error({ err: error, worker: this.#task.name }, "a background step failed");
    return Math.min(FAILURE_WAIT_MS * 2 ** (this.#failuresInRow - 1), FAILURE_WAIT_MS_MAX);
  }
}
