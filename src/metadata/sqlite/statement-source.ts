// What the writes need of a database: prepared statements. The writer's own source hands out statements that note what
// they changed, for the members' record of the group. Statements that only read pass through.

import type { Database, Statement } from "better-sqlite3";
import { EffectBuffer, type BoundValue, type BoundValues } from "./effects.ts";

export type StatementSource = Pick<Database, "prepare">;

/** Calls of a statement, whatever it binds and gives. */
type AnyCall = (...values: unknown[]) => unknown;
type CallName = "all" | "get" | "run";

export class RecordingSource {
  readonly effects = new EffectBuffer();
  readonly #database: Database;
  readonly #idsByText: Map<string, number>;
  #newTexts: { readonly id: number; readonly text: string }[] = [];

  /** @param known The statements that the database has numbered already, by text. */
  constructor(database: Database, known: ReadonlyMap<string, number>) {
    this.#database = database;
    this.#idsByText = new Map(known);
  }

  /** Statements that were prepared and are not numbered in the database yet. */
  get newTexts(): readonly { readonly id: number; readonly text: string }[] {
    return this.#newTexts;
  }

  /** As StatementSource. */
  get source(): StatementSource {
    // The generic signature of the driver cannot be restated; what is handed out is the driver's own statement.
    return { prepare: this.#prepare.bind(this) as unknown as Database["prepare"] };
  }

  #prepare(text: string): Statement {
    const statement = this.#database.prepare(text);
    if (statement.readonly) return statement;
    const statementId = this.#idOf(text);
    const effects = this.effects;
    /** Notes the call when it has changed anything. */
    const noting = (name: CallName, hasChanged: (result: unknown) => boolean): void => {
      const call: AnyCall = statement[name].bind(statement);
      const noted: AnyCall = (...values) => {
        const result = call(...values);
        if (hasChanged(result)) effects.add({ statementId, values: boundValues(values) });
        return result;
      };
      Object.defineProperty(statement, name, { value: noted });
    };
    noting("run", (result) => (result as { readonly changes: number }).changes > 0);
    // Rows come back by "returning": of what was changed.
    noting("get", (row) => row !== undefined);
    noting("all", (rows) => (rows as readonly unknown[]).length > 0);
    return statement;
  }

  #idOf(text: string): number {
    const known = this.#idsByText.get(text);
    if (known !== undefined) return known;
    const id = this.#idsByText.size + 1;
    this.#idsByText.set(text, id);
    this.#newTexts.push({ id, text });
    return id;
  }
}

/** The values of a call: one by one, or one object by names. */
function boundValues(values: readonly unknown[]): BoundValues {
  const [first] = values;
  const isNamed =
    values.length === 1 &&
    typeof first === "object" &&
    first !== null &&
    !(first instanceof Uint8Array);
  return isNamed
    ? (first as Readonly<Record<string, BoundValue>>)
    : (values as readonly BoundValue[]);
}
