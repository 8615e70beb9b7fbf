// Takes a snapshot in a thread of its own: VACUUM INTO blocks whoever calls it for as long as the database is large.

import type { DriveId } from "../../core/ids.ts";
import type { Authority, SnapshotInfo } from "../../journal/journal-member.ts";
import { workerEntry } from "../../util/code-root.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import { runJob } from "./run-job.ts";

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

export interface KeptSnapshot {
  readonly info: SnapshotInfo;
  /** Members that have taken a copy. */
  readonly driveIds: readonly DriveId[];
}

export type FromSnapshotThread =
  | ({ readonly kind: "kept" } & KeptSnapshot)
  | { readonly kind: "failed"; readonly message: string };

/** Resolves when enough members hold it. @throws when they do not, or `signal` aborts. */
export async function takeSnapshot({
  signal,
  ...job
}: SnapshotJob & { readonly signal?: AbortSignal }): Promise<KeptSnapshot> {
  const entry = workerEntry(import.meta.url, "metadata/sqlite/snapshot-thread");
  const answer = await runJob<FromSnapshotThread>(entry, job, signal);
  if (answer.kind === "kept") return { info: answer.info, driveIds: answer.driveIds };
  throw new Error(answer.message);
}
