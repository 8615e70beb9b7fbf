// Starts the writer's thread; or one ahead of time, which loads its code while it is still being found out what the
// metadata consists of.

import { Worker } from "node:worker_threads";
import { workerEntry } from "../../util/code-root.ts";
import type { WriterData } from "./writer-thread.ts";

/** How a thread is started. */
export type SpawnWriter = (data: WriterData) => Worker;

export function spawnWriter(data: WriterData): Worker {
  return handOver(startThread(), data);
}

export interface SpareWriter {
  /** The first time the thread that is ready, later new ones. */
  readonly spawn: SpawnWriter;
  /** Ends the thread, unless it was made use of. */
  release(): Promise<void>;
}

export function prepareWriter(): SpareWriter {
  let spare: Worker | undefined = startThread();
  // One that cannot even start is told of when the next one cannot either.
  const forget = (): void => void (spare = undefined);
  spare.once("error", forget);
  return {
    spawn: (data) => {
      const worker = spare ?? startThread();
      worker.off("error", forget);
      spare = undefined;
      return handOver(worker, data);
    },
    release: async () => {
      await spare?.terminate();
    },
  };
}

function startThread(): Worker {
  const entry = workerEntry(import.meta.url, "metadata/sqlite/writer-thread");
  // The flags of the host process (--eval, --import, --inspect, ...) are not for this thread.
  return new Worker(entry, { name: "metadata-writer", execArgv: [] });
}

function handOver(worker: Worker, data: WriterData): Worker {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread has no origin.
  worker.postMessage(data);
  return worker;
}
