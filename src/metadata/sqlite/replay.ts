// Plays records of the members' chain on a database that lacks them: the same statements with the same values on the same
// state, and so the same rows.

import type { Database, Statement } from "better-sqlite3";
import type { ChainPosition } from "../../journal/journal-member.ts";
import { parseRecord, RECORD_KIND, type JournalRecord } from "../../journal/journal-record.ts";
import { parseOpening } from "../members/roster.ts";
import { addStatements, positionWriter, readPosition } from "./chain-state.ts";
import { EffectError, parseEffects } from "./effects.ts";
import { ForeignDatabaseError, migrate, versionOf } from "./open-database.ts";
import { MIGRATIONS } from "./schema.ts";

export class ChainReplay {
  readonly #database: Database;
  readonly #statements = new Map<number, Statement>();
  #position: ChainPosition;

  constructor(database: Database) {
    this.#database = database;
    this.#position = readPosition(database);
  }

  get position(): ChainPosition {
    return this.#position;
  }

  /** Plays encoded records that follow the position, in one transaction. @throws when they do not, or make no sense. */
  play(records: readonly Uint8Array[]): void {
    const transaction = this.#database.transaction(() => {
      let position = this.#position;
      for (const bytes of records) {
        const record = parseRecord(bytes);
        if (
          record.sequence !== position.sequence + 1 ||
          record.previousDigest !== position.digest
        ) {
          throw new Error(`record ${record.sequence} does not follow ${position.sequence}`);
        }
        this.#playOne(record);
        position = { sequence: record.sequence, epoch: record.epoch, digest: record.digest };
      }
      positionWriter(this.#database)(position);
      return position;
    });
    this.#position = transaction.immediate();
  }

  #playOne(record: JournalRecord): void {
    if (record.kind === RECORD_KIND.open) this.#open(record);
    else if (record.kind === RECORD_KIND.changes) this.#change(record);
    else if (record.kind !== RECORD_KIND.roster) {
      throw new ForeignDatabaseError(
        `the members hold a record of kind ${record.kind}, written by a newer Kintsugi, which this one cannot read`,
      );
    }
  }

  #open({ payload, epoch }: JournalRecord): void {
    const { schemaVersion, statements } = parseOpening(payload);
    if (schemaVersion > MIGRATIONS.length) {
      throw new ForeignDatabaseError(
        `the members hold changes of schema version ${schemaVersion}, written by a newer Kintsugi; this one reads up to ${MIGRATIONS.length}`,
      );
    }
    if (versionOf(this.#database) < schemaVersion) {
      // Statements that were prepared for the tables as they were are prepared anew.
      this.#statements.clear();
      migrate(this.#database, schemaVersion);
    }
    addStatements(this.#database, statements);
    this.#database.prepare("update state set epoch = ?").run(epoch);
  }

  #change({ payload }: JournalRecord): void {
    for (const { statementId, values } of parseEffects(payload)) {
      const statement = this.#statement(statementId);
      // Statements that return rows run to their end only when those are taken.
      if (statement.reader) statement.all(values);
      else statement.run(values);
    }
  }

  #statement(id: number): Statement {
    const known = this.#statements.get(id);
    if (known !== undefined) return known;
    const text = this.#database
      .prepare<[number], string>("select text from journal_statements where id = ?")
      .pluck()
      .get(id);
    if (text === undefined) throw new EffectError(`statement ${id} is unknown`);
    const statement = this.#database.prepare(text);
    this.#statements.set(id, statement);
    return statement;
  }
}
