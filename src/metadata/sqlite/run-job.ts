// Runs one job in a thread of its own, which sends one answer and ends.

import { Worker } from "node:worker_threads";

interface Failed {
  readonly kind: "failed";
  readonly message: string;
}

/** A thread that SQLite or the kernel holds cannot be ended: it is left behind, and whatever it does comes to nothing. */
const END_MS_MAX = 5_000;

/**
 * Resolves to the thread's answer; to `failed` when it dies, or `signal` ends it. Not when it has ended: a call on a drive
 * that hangs keeps a thread that has answered long ago.
 */
export function runJob<Answer extends { readonly kind: string }>(
  entry: URL,
  job: unknown,
  signal: AbortSignal | undefined,
): Promise<Answer | Failed> {
  // The flags of the host process (--eval, --import, --inspect, ...) are not for this thread.
  const worker = new Worker(entry, { workerData: job, execArgv: [] });
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const answer = (value: Answer | Failed): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      worker.unref();
      resolve(value);
    };
    const end = (): void => {
      void worker.terminate();
      timer ??= setTimeout(() => answer(failed("it was left behind")), END_MS_MAX);
    };
    signal?.addEventListener("abort", end, { once: true });
    worker.once("message", (message: Answer) => answer(message));
    worker.once("error", (error: Error) => answer(failed(error.message)));
    worker.once("exit", () => answer(failed("its thread has ended")));
    if (signal?.aborted === true) end();
  });
}

function failed(message: string): Failed {
  return { kind: "failed", message };
}
