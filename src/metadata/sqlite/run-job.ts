// Runs one job in a thread of its own, which sends one answer and ends.

import { Worker } from "node:worker_threads";

interface Failed {
  readonly kind: "failed";
  readonly message: string;
}

/** Resolves to the thread's answer; to `failed` when it dies, or `signal` ends it. */
export function runJob<Answer extends { readonly kind: string }>(
  entry: URL,
  job: unknown,
  signal: AbortSignal | undefined,
): Promise<Answer | Failed> {
  // The flags of the host process (--eval, --import, --inspect, ...) are not for this thread.
  const worker = new Worker(entry, { workerData: job, execArgv: [] });
  return new Promise((resolve) => {
    const end = (): void => void worker.terminate();
    signal?.addEventListener("abort", end, { once: true });
    let answer: Answer | Failed = { kind: "failed", message: "its thread has ended" };
    worker.once("message", (message: Answer) => (answer = message));
    worker.once("error", (error: Error) => (answer = { kind: "failed", message: error.message }));
    worker.once("exit", () => {
      signal?.removeEventListener("abort", end);
      resolve(answer);
    });
    if (signal?.aborted === true) end();
  });
}
