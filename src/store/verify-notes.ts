// What a verification tells the metadata of shards: those found lost are noted, for repair. A note of a shard that reads as
// whole stays: the file may never have become durable, which reading does not tell, and the next power cut would take it
// without a note. Repair makes it anew, and only then takes the note away.

import type { Content } from "../metadata/records.ts";
import type { StoreContext } from "./store-context.ts";
import type { EntryFault } from "./verify-entry.ts";

type NotesContext = Pick<StoreContext, "logger" | "lostShards" | "metadata">;

export class VerifyNotes {
  readonly #context: NotesContext;
  readonly #writes: Promise<void>[] = [];

  constructor(context: NotesContext) {
    this.#context = context;
  }

  /** What was found of a row that still says what it said. A drive that is away has lost nothing as far as is known. */
  noteLost({ setId, shards }: EntryFault, content: Content | undefined): void {
    if (setId === undefined || content === undefined || content.kind === "inline") return;
    const lost = shards.filter(({ state }) => state !== "away").map(({ index }) => index);
    if (lost.every((index) => content.set.missing.includes(index))) return;
    const { logger, lostShards, metadata } = this.#context;
    const noting = metadata.noteMissing(setId, lost).then(
      () => lostShards.announce(),
      (err: unknown) => logger.error({ err, setId }, "lost shards could not be noted"),
    );
    this.#writes.push(noting);
  }

  /** Resolves when the metadata has been told: who has the report asks it for the same sets next. Never rejects. */
  async settle(): Promise<void> {
    await Promise.all(this.#writes.splice(0));
  }
}
