// Applies groups of writes, each group one transaction, each write in a savepoint: a refused write undoes itself and
// leaves the others. A group is answered only after its commit: durable, then visible, then acknowledged.
//
// A commit that fails leaves nothing to build on: the connection is given up, and the next group opens a new one.

import type { Database, Statement } from "better-sqlite3";
import { applyWrite, type WriteHandlers, type WriteRequest } from "../write-operations.ts";
import { Numbering } from "./numbering.ts";
import { sqliteWrites } from "./sqlite-writes.ts";
import { answerOf, type WriteAnswer, type WriteGroup } from "./write-protocol.ts";

type Step = "begin" | "commit" | "keep" | "mark" | "undo";

interface Connection {
  readonly database: Database;
  readonly steps: Readonly<Record<Step, Statement>>;
  readonly numbering: Numbering;
  readonly handlers: WriteHandlers;
}

export class GroupWriter {
  readonly #open: () => Database;
  #connection: Connection | undefined;

  /** Opens at once. @throws what `open` throws. */
  constructor(open: () => Database) {
    this.#open = open;
    this.#connection = connect(open());
  }

  /** @throws when the group as a whole failed: nothing of it is known to be durable. */
  apply({ requests, nowMs }: WriteGroup): readonly WriteAnswer[] {
    this.#connection ??= connect(this.#open());
    const connection = this.#connection;
    try {
      connection.steps.begin.run();
      const answers = requests.map((request) => applyOne(connection, request, nowMs));
      connection.numbering.store();
      connection.steps.commit.run();
      return answers;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    // Rolls back what is open.
    connection?.database.close();
  }
}

function connect(database: Database): Connection {
  const numbering = new Numbering(database);
  const steps = {
    begin: database.prepare("begin immediate"),
    commit: database.prepare("commit"),
    mark: database.prepare("savepoint one_write"),
    keep: database.prepare("release one_write"),
    undo: database.prepare("rollback to one_write"),
  };
  return { database, steps, numbering, handlers: sqliteWrites(database, numbering) };
}

function applyOne(
  { database, steps, numbering, handlers }: Connection,
  request: WriteRequest,
  nowMs: number,
): WriteAnswer {
  const last = numbering.last;
  steps.mark.run();
  try {
    const result = applyWrite(handlers, request, nowMs);
    steps.keep.run();
    return { kind: "done", result };
  } catch (error) {
    // Some faults (a full disk, a failing one) end the whole transaction: then the group has failed.
    if (!database.inTransaction) throw error;
    steps.undo.run();
    steps.keep.run();
    numbering.restore(last);
    return answerOf(error);
  }
}
