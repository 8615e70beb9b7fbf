// What a verification tells the metadata of shards: those found lost are noted, for repair; and notes of shards that are
// whole again, as on a drive that was put back, are taken away. A pack is whole where every row in it says so, which only a
// walk over all of them can tell; and it must not grow any more, so that it is one of a process that has ended.

import { incarnationOf, type Incarnation, type SetId } from "../core/ids.ts";
import type { FoundShards } from "../metadata/metadata-store.ts";
import type { Content, ShardSetRecord } from "../metadata/records.ts";
import type { StoreContext } from "./store-context.ts";
import type { EntryFault } from "./verify-entry.ts";

/** Under way at a time: requests wait in the same queue, and are refused where it is full. */
const WRITES_MAX = 200;

type NotesContext = Pick<StoreContext, "logger" | "metadata">;

interface PackNotes {
  /** When the first row was looked at that told of any, or of bad shards. */
  readonly noted: readonly number[];
  readonly bad: Set<number>;
}

export class VerifyNotes {
  readonly #context: NotesContext;
  readonly #packs = new Map<SetId, PackNotes>();
  readonly #writes: Promise<void>[] = [];
  #ended: ReadonlySet<Incarnation> = new Set();

  constructor(context: NotesContext) {
    this.#context = context;
  }

  /** Before the walk. */
  async begin(): Promise<void> {
    const processes = await this.#context.metadata.listProcesses();
    const ended = processes.filter(({ endedAt }) => endedAt !== undefined);
    this.#ended = new Set(ended.map(({ incarnation }) => incarnation));
  }

  /** What was found of a row that still says what it said. A drive that is away has lost nothing as far as is known. */
  noteLost({ setId, shards }: EntryFault, content: Content | undefined): void {
    if (setId === undefined || content === undefined || content.kind === "inline") return;
    const lost = shards.filter(({ state }) => state !== "away").map(({ index }) => index);
    if (lost.every((index) => content.set.missing.includes(index))) return;
    this.#write(setId, this.#context.metadata.noteMissing(setId, lost));
  }

  /** What was found of any row. */
  noteFound(content: Content | undefined, fault: EntryFault | undefined): void {
    if (content === undefined || content.kind === "inline") return;
    const { set } = content;
    const isNoted = set.missing.length > 0;
    const bad = badOf(set, fault);
    if (content.kind === "packed") {
      // Also what is not noted yet: it will be, before rows that are walked later, and must not be taken away for them.
      if (isNoted || fault !== undefined) this.#notePacked(set, bad);
    } else if (isNoted) this.#takeAway(set.id, { noted: set.missing, bad });
  }

  /** After a walk over all rows. Never rejects. */
  async noteFoundPacks(): Promise<void> {
    for (const [setId, notes] of this.#packs) {
      this.#takeAway(setId, notes);
      if (this.#writes.length >= WRITES_MAX) await this.settle();
    }
    await this.settle();
  }

  /** Resolves when the metadata has been told: who has the report asks it for the same sets next. Never rejects. */
  async settle(): Promise<void> {
    await Promise.all(this.#writes.splice(0));
  }

  #notePacked(set: ShardSetRecord, bad: Set<number>): void {
    if (!this.#ended.has(incarnationOf(set.id))) return;
    const known = this.#packs.get(set.id);
    if (known === undefined) this.#packs.set(set.id, { noted: set.missing, bad });
    else for (const index of bad) known.bad.add(index);
  }

  #takeAway(setId: SetId, { noted, bad }: PackNotes): void {
    const found = noted.filter((index) => !bad.has(index));
    if (found.length === 0) return;
    const shards: FoundShards = { noted, found };
    this.#write(setId, this.#context.metadata.noteFound(setId, shards));
  }

  #write(setId: SetId, writing: Promise<void>): void {
    const { logger } = this.#context;
    const done = writing.catch((err: unknown) => {
      logger.error({ err, setId }, "what was found of shards could not be noted");
    });
    this.#writes.push(done);
  }
}

/** The noted shards that are not known to be whole: all, where more is wrong than that some are lost. */
function badOf({ missing }: ShardSetRecord, fault: EntryFault | undefined): Set<number> {
  if (fault === undefined) return new Set();
  if (fault.kind !== "below-redundancy") return new Set(missing);
  return new Set(fault.shards.map(({ index }) => index));
}
