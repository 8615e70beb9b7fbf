// The one counter behind versions, parts, uploads and buckets. It counts in memory while a group is open and is
// written once, in the group's own transaction.

import type { StatementSource } from "./statement-source.ts";
import type { Statement } from "better-sqlite3";

export class Numbering {
  readonly #read: Statement<[], number>;
  readonly #write: Statement<[number]>;
  #last = 0;
  #stored = 0;

  constructor(database: StatementSource) {
    this.#read = database.prepare<[], number>("select last_number from state").pluck();
    this.#write = database.prepare("update state set last_number = ?");
    this.#stored = this.#read.get() ?? 0;
    this.#last = this.#stored;
  }

  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Gives back the numbers of an operation that was refused. */
  restore(last: number): void {
    this.#last = last;
  }

  /** Last thing before the commit. */
  store(): void {
    if (this.#last === this.#stored) return;
    this.#write.run(this.#last);
    this.#stored = this.#last;
  }
}
