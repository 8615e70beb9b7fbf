// The thread that makes a second database from the members' records, up to the very change that the one in use holds,
// compares the two, and ends. Members are only read.

import { join } from "node:path";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import SQLite, { type Database } from "better-sqlite3";
import type { ChainPosition } from "../../journal/journal-member.ts";
import { sourceOf } from "../members/bring-up.ts";
import { openMember } from "../members/member-spec.ts";
import type { SurveyedMember } from "../members/survey.ts";
import { readPosition } from "./chain-state.ts";
import { compareDatabases, type DatabaseComparison } from "./compare-databases.ts";
import type { CompareJob, FromCompareThread } from "./compare-with-members.ts";
import { openForReading } from "./open-database.ts";
import { restoreDatabase } from "./restore-database.ts";
import { messageOf } from "./write-protocol.ts";

const UNREADABLE: DatabaseComparison = {
  rowCount: 0,
  differenceCount: 1,
  differences: [
    { table: "state", key: undefined, problem: "it does not say which change it holds" },
  ],
};

/** A snapshot that is taken while the members are asked moves their beginning past what was to be compared. */
const ATTEMPTS_MAX = 4;

async function compareInTime(job: CompareJob): Promise<DatabaseComparison> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await compare(job, attempt);
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function compare(
  { databasePath, folder, members }: CompareJob,
  attempt: number,
): Promise<DatabaseComparison> {
  const standing = openForReading(databasePath);
  const opened = await Promise.all(members.map(openMember));
  try {
    // What is read from here on is one state, whatever is written meanwhile.
    standing.exec("begin");
    const position = findPosition(standing);
    if (position === undefined) return UNREADABLE;
    const surveyed = await inspectAll(opened);
    const best = surveyed.find(({ state }) => reaches(state, position));
    if (best === undefined) throw new Error("no member holds what the database holds");
    const { database } = await restoreDatabase({
      path: join(folder, `metadata-${attempt}.db`),
      source: await sourceOf(best, surveyed),
      target: position,
      members: surveyed,
      onProgress: () => {},
    });
    try {
      return compareDatabases(standing, database);
    } finally {
      database.close();
    }
  } finally {
    standing.close();
    await Promise.allSettled(opened.map((member) => member.close()));
  }
}

/** Undefined where the database cannot even say which change it holds. */
function findPosition(standing: Database): ChainPosition | undefined {
  try {
    return readPosition(standing);
  } catch (error) {
    if (error instanceof SQLite.SqliteError && !/^SQLITE_(CORRUPT|NOTADB)/.test(error.code))
      throw error;
    return undefined;
  }
}

async function inspectAll(
  members: readonly SurveyedMember["member"][],
): Promise<readonly SurveyedMember[]> {
  const results = await Promise.allSettled(
    members.map(async (member) => ({ member, state: await member.inspect() })),
  );
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

function reaches(
  { isBlank, base, head }: SurveyedMember["state"],
  { sequence }: ChainPosition,
): boolean {
  return !isBlank && base.sequence <= sequence && head.sequence >= sequence;
}

async function run(port: MessagePort): Promise<void> {
  const send = (message: FromCompareThread): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port has no origin.
    port.postMessage(message);
  };
  try {
    send({ kind: "compared", comparison: await compareInTime(workerData as CompareJob) });
  } catch (error) {
    send({ kind: "failed", message: messageOf(error) });
  }
  port.close();
}

if (parentPort !== null) await run(parentPort);
