// Starts the writer thread and carries groups to it and answers back.

import { Worker } from "node:worker_threads";
import type { Clock } from "../../util/clock.ts";
import { workerEntry } from "../../util/worker-entry.ts";
import type { WritePort } from "../write-operations.ts";
import type { FromWriter, ToWriter } from "./write-protocol.ts";
import { WriteQueue } from "./write-queue.ts";
import type { WriterData } from "./writer-thread.ts";

/** Resolves when the thread has opened the database. @throws when it cannot. */
export async function startWriter(path: string, clock: Clock): Promise<WritePort> {
  const workerData: WriterData = { path };
  const entry = workerEntry(import.meta.url, "./writer-thread.js");
  // The flags of the host process (--eval, --import, --inspect, ...) are not for this thread.
  const worker = new Worker(entry, { workerData, name: "metadata-writer", execArgv: [] });
  const exited = new Promise<void>((resolve) => {
    worker.once("exit", () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the metadata writer ended before it was ready")));
    worker.once("message", (message: FromWriter) => {
      if (message.kind === "unusable") reject(new Error(message.message));
      else resolve();
    });
  });

  const send = (message: ToWriter) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
    worker.postMessage(message);
  };
  const close = async () => {
    send({ kind: "close" });
    await exited;
  };
  const queue = new WriteQueue({ send, close }, clock);
  worker.on("message", (message: FromWriter) => queue.receive(message));
  worker.on("error", (error: Error) => queue.fail(error));
  worker.on("exit", () => queue.fail(new Error("the metadata writer has ended")));
  return queue;
}
