// Compares the database in use with its members, in a thread of its own.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { workerEntry } from "../../util/code-root.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import type { DatabaseComparison } from "./compare-databases.ts";
import { runJob } from "./run-job.ts";

export interface CompareJob {
  readonly databasePath: string;
  /** Empty; the second database is made in it. */
  readonly folder: string;
  readonly members: readonly MemberSpec[];
}

export type FromCompareThread =
  | { readonly kind: "compared"; readonly comparison: DatabaseComparison }
  | { readonly kind: "failed"; readonly message: string };

const PREFIX = "compare-";

/** What comparisons of processes that were killed left in a folder that this one holds now. */
export async function removeComparisons(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(PREFIX));
  const places = names.map((name) => join(folder, name));
  await Promise.all(places.map((place) => rm(place, { recursive: true, force: true })));
}

/** @throws when the members cannot be read, or `signal` aborts. */
export async function compareWithMembers(
  job: Omit<CompareJob, "folder">,
  signal: AbortSignal | undefined,
): Promise<DatabaseComparison> {
  const entry = workerEntry(import.meta.url, "metadata/sqlite/compare-thread");
  const folder = await mkdtemp(join(dirname(job.databasePath), PREFIX));
  try {
    const answer = await runJob<FromCompareThread>(entry, { ...job, folder }, signal);
    if (answer.kind === "compared") return answer.comparison;
    throw new Error(answer.message);
  } finally {
    // Here, since a thread that is ended cleans nothing up.
    await rm(folder, { recursive: true, force: true });
  }
}
