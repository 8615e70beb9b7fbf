// Applies groups of writes, each group one transaction: a refused write is undone and leaves the others. Nearly all are
// refused before they have changed anything; so savepoints, which copy each page that is touched, are made only where one
// was not: then the group begins again, each write in its own. What a group changed is durable on the members before it is
// committed, and committed before it is answered: durable, then visible, then acknowledged. Without members the commit
// itself is what is durable.
//
// A group that fails leaves nothing to build on: the connection is closed, and whoever holds the writer opens another.

import type { Database, Statement } from "better-sqlite3";
import { S3Error } from "../../core/s3-error.ts";
import type { ChainPosition } from "../../journal/journal-member.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { applyWrite, type WriteHandlers, type WriteRequest } from "../write-operations.ts";
import { knownStatements, positionWriter } from "./chain-state.ts";
import { BucketStates } from "./bucket-states.ts";
import { Numbering } from "./numbering.ts";
import { BUSY_TIMEOUT_MS } from "./open-database.ts";
import { sqliteWrites } from "./sqlite-writes.ts";
import { RecordingSource } from "./statement-source.ts";
import { answerOf, type WriteAnswer, type WriteGroup } from "./write-protocol.ts";

/** Of one group: a record that carries it is taken by every member, and by a data node in one body. */
const EFFECT_BYTES_MAX = 32 * 1024 * 1024;

type Step = "begin" | "commit" | "drop" | "keep" | "mark" | "undo";

/** Takes what a group changed to the members; resolves once a quorum holds it. */
export type MakeDurable = (effects: readonly Uint8Array[]) => Promise<ChainPosition>;

export class GroupWriter {
  readonly #database: Database;
  readonly #recording: RecordingSource | undefined;
  readonly #steps: Readonly<Record<Step, Statement>>;
  readonly #numbering: Numbering;
  readonly #buckets: BucketStates;
  readonly #handlers: WriteHandlers;
  readonly #setPosition: ((position: ChainPosition) => void) | undefined;
  #makeDurable: MakeDurable | undefined;
  #isHandedOver = false;

  /** `hasMembers`: what groups change is noted, and goes where `useMembers` says. */
  constructor(database: Database, { hasMembers }: { readonly hasMembers: boolean }) {
    this.#database = database;
    if (hasMembers) {
      this.#recording = new RecordingSource(database, knownStatements(database));
      this.#setPosition = positionWriter(database);
    }
    const source = this.#recording?.source ?? database;
    this.#numbering = new Numbering(source);
    this.#buckets = new BucketStates(source);
    this.#handlers = sqliteWrites(source, { numbering: this.#numbering, buckets: this.#buckets });
    this.#steps = {
      begin: database.prepare("begin immediate"),
      commit: database.prepare("commit"),
      drop: database.prepare("rollback"),
      mark: database.prepare("savepoint one_write"),
      keep: database.prepare("release one_write"),
      undo: database.prepare("rollback to one_write"),
    };
  }

  /** Statements whose numbers the members do not know yet. */
  get newStatements(): RecordingSource["newTexts"] {
    return this.#recording?.newTexts ?? [];
  }

  /** Whether the members may hold something that the database does not: it must be recovered, not just opened again. */
  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  useMembers(makeDurable: MakeDurable): void {
    this.#makeDurable = makeDurable;
  }

  /** @throws when the group as a whole failed: nothing of it is known to be durable, and the writer is closed. */
  async apply(group: WriteGroup): Promise<readonly WriteAnswer[]> {
    try {
      this.#steps.begin.run();
      const answers = this.#applyPlainly(group) ?? this.#applyMarked(group);
      this.#buckets.store();
      this.#numbering.store();
      crashPoint("metadata.applied");
      await this.#keep();
      crashPoint("metadata.durable");
      this.#steps.commit.run();
      this.#isHandedOver = false;
      crashPoint("metadata.committed");
      return answers;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Pages of the database, and those of them that hold nothing. */
  get pages(): { readonly count: number; readonly free: number; readonly sizeBytes: number } {
    const count = this.#number("page_count");
    return { count, free: this.#number("freelist_count"), sizeBytes: this.#number("page_size") };
  }

  /**
   * Makes the file shorter by up to so many empty pages, once the WAL is copied into it. Between groups only. A database
   * that was made without auto_vacuum stays as it is.
   */
  giveBackPages(count: number): void {
    this.#database.pragma(`incremental_vacuum(${count})`);
  }

  /** Copies the WAL into the database file and empties it, unless somebody reads. Between groups only. */
  emptyWal(): void {
    this.#database.pragma("busy_timeout = 0");
    try {
      this.#database.pragma("wal_checkpoint(TRUNCATE)");
    } finally {
      this.#database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  #number(pragma: string): number {
    return Number(this.#database.pragma(pragma, { simple: true }));
  }

  /** Rolls back what is open. */
  close(): void {
    this.#database.close();
  }

  /** A group that changed nothing is not told to the members. */
  async #keep(): Promise<void> {
    const effects = this.#recording?.effects;
    if (effects === undefined || effects.isEmpty) return;
    if (this.#makeDurable === undefined) throw new Error("the writer has no members yet");
    this.#isHandedOver = true;
    const position = await this.#makeDurable(effects.pieces());
    effects.clear();
    this.#setPosition?.(position);
  }

  /** Undefined: a write failed that had changed something, or may have, and so everything was taken back. */
  #applyPlainly({ requests, nowMs }: WriteGroup): readonly WriteAnswer[] | undefined {
    const effects = this.#recording?.effects;
    // Nothing else knows what has changed.
    if (effects === undefined) return undefined;
    const first = this.#numbering.last;
    const answers: WriteAnswer[] = [];
    for (const request of requests) {
      // Only writes of objects look at buckets in no other way.
      const isObject = request.name === "putObject" || request.name === "deleteObjects";
      if (!isObject) this.#buckets.store();
      const { last } = this.#numbering;
      const { length } = effects;
      try {
        answers.push({ kind: "done", result: applyWrite(this.#handlers, request, nowMs) });
        if (!isObject) this.#buckets.store();
        if (effects.sizeBytes <= EFFECT_BYTES_MAX) continue;
      } catch (error) {
        // Some faults (a full disk, a failing one) end the whole transaction: then the group has failed.
        if (!this.#database.inTransaction) throw error;
        this.#numbering.restore(last);
        answers.push(answerOf(error));
        if (effects.length === length) continue;
      }
      this.#numbering.restore(first);
      this.#buckets.drop();
      effects.clear();
      this.#steps.drop.run();
      this.#steps.begin.run();
      return undefined;
    }
    return answers;
  }

  #applyMarked({ requests, nowMs }: WriteGroup): readonly WriteAnswer[] {
    return requests.map((request) => this.#applyOne(request, nowMs));
  }

  #applyOne(request: WriteRequest, nowMs: number): WriteAnswer {
    const last = this.#numbering.last;
    const effects = this.#recording?.effects;
    const mark = effects?.mark;
    this.#steps.mark.run();
    try {
      const result = applyWrite(this.#handlers, request, nowMs);
      this.#buckets.store();
      // The members would not take the record, or could not read it again: the others of the group must not suffer.
      if ((effects?.sizeBytes ?? 0) > EFFECT_BYTES_MAX) throw new S3Error("SlowDown");
      this.#steps.keep.run();
      return { kind: "done", result };
    } catch (error) {
      // Some faults (a full disk, a failing one) end the whole transaction: then the group has failed.
      if (!this.#database.inTransaction) throw error;
      this.#steps.undo.run();
      this.#steps.keep.run();
      if (mark !== undefined) effects?.undo(mark);
      this.#numbering.restore(last);
      this.#buckets.drop();
      return answerOf(error);
    }
  }
}
