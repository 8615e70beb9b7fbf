// Takes a snapshot in a thread of its own: VACUUM INTO blocks whoever calls it for as long as the database is large.

import { Worker } from "node:worker_threads";
import type { Authority, SnapshotInfo } from "../../journal/journal-member.ts";
import { workerEntry } from "../../util/worker-entry.ts";
import type { MemberSpec } from "../members/member-spec.ts";

export interface SnapshotJob {
  readonly databasePath: string;
  /** Members that may take a copy, in the order in which they are asked. */
  readonly members: readonly MemberSpec[];
  readonly authority: Authority;
  /** So many must take one. */
  readonly copies: number;
  /** How fast it is copied to each; undefined: as fast as it goes. */
  readonly bytesPerSecond?: number | undefined;
}

export type FromSnapshotThread =
  | { readonly kind: "kept"; readonly info: SnapshotInfo }
  | { readonly kind: "failed"; readonly message: string };

/** Resolves when enough members hold it. @throws when they do not, or `signal` aborts. */
export function takeSnapshot({
  signal,
  ...job
}: SnapshotJob & { readonly signal?: AbortSignal }): Promise<{ readonly info: SnapshotInfo }> {
  const entry = workerEntry(import.meta.url, "./snapshot-thread.js");
  const worker = new Worker(entry, { workerData: job, name: "metadata-snapshot", execArgv: [] });
  return new Promise((resolve, reject) => {
    const abort = (): void => void worker.terminate();
    signal?.addEventListener("abort", abort, { once: true });
    let answer: FromSnapshotThread = { kind: "failed", message: "its thread has ended" };
    worker.once("message", (message: FromSnapshotThread) => (answer = message));
    worker.once("error", (error: Error) => (answer = { kind: "failed", message: error.message }));
    worker.once("exit", () => {
      signal?.removeEventListener("abort", abort);
      if (answer.kind === "kept") resolve({ info: answer.info });
      else reject(new Error(answer.message));
    });
  });
}
