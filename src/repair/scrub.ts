// The scrub: every shard of every set is read and checked once in a while, so that rot is found while there is something to
// mend it with. Set after set in the order of their ids, spread evenly over the time that a pass has; how far it has come is
// saved. What it finds is noted in the metadata, which is the queue of repair.

import type { SetId } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Pace } from "../store/repair/pace.ts";
import type { RepairOperations } from "../store/repair/repair-operations.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { inHaste, inScrubHaste } from "../util/lab-haste.ts";

/** A pass over everything takes so long, in milliseconds. */
export const DEFAULT_SCRUB_PASS_MS = inHaste(14 * 24 * 60 * 60 * 1_000);

export interface ScrubStatus {
  /** There is none. */
  readonly isOff: boolean;
  /** Of the pass under way; the time of the last set of one that is over. */
  readonly startedAt: number | undefined;
  readonly lookedAtSets: number;
  /** In all passes. */
  readonly passCount: number;
  readonly lostShards: number;
  /** Sets whose shards do not fit together, in the last pass: see the log. */
  readonly problemSets: number;
}

interface State {
  /** Wall time, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly after?: SetId | undefined;
  readonly setCount: number;
  readonly passCount: number;
  readonly lostCount: number;
  readonly problemCount: number;
  readonly isOver: boolean;
}

export interface ScrubOptions {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress" | "totals">;
  readonly store: Pick<RepairOperations, "listSets" | "scrubSet">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** So long a pass takes. */
  readonly passMs: number | "never";
}

const JOB = "scrub";
const SAVE_EVERY_MS = inHaste(60_000);
const COUNT_EVERY_MS = 60 * 60_000;
/** What was not done while the server was down is caught up with no faster than so many times the usual. */
const HURRY_MAX = 10;
/** Sets of one step. */
const SETS_PER_STEP = 16;

export class Scrub {
  readonly #options: ScrubOptions;
  /** Infinite where there are no passes. */
  readonly #passMs: number;
  #state: State | undefined;
  #setsInAll = 0;
  #countedAt = Number.NEGATIVE_INFINITY;
  #savedAt = Number.NEGATIVE_INFINITY;
  /** When the next set is due, in monotonic milliseconds. */
  #dueAt = Number.NEGATIVE_INFINITY;

  constructor(options: ScrubOptions) {
    this.#options = options;
    this.#passMs = inScrubHaste(
      options.passMs === "never" ? Number.POSITIVE_INFINITY : options.passMs,
    );
  }

  get status(): ScrubStatus {
    const state = this.#state;
    return {
      isOff: this.#isOff,
      startedAt: state?.startedAt,
      lookedAtSets: state?.setCount ?? 0,
      passCount: state?.passCount ?? 0,
      lostShards: state?.lostCount ?? 0,
      problemSets: state?.problemCount ?? 0,
    };
  }

  get #isOff(): boolean {
    return this.#passMs === Number.POSITIVE_INFINITY;
  }

  /** Looks at what is due. "idle": nothing is, for now. */
  async step(pace: Pace, signal: AbortSignal): Promise<"busy" | "idle"> {
    if (this.#isOff) return "idle";
    const { clock } = this.#options;
    this.#state ??= await this.#load();
    if (this.#state.isOver) {
      if (clock.now() - this.#state.startedAt < this.#passMs) return "idle";
      this.#state = { ...fresh(clock.now()), ...countsOf(this.#state) };
    }
    for (let count = 0; count < SETS_PER_STEP; count += 1) {
      if (signal.aborted || clock.monotonic() < this.#dueAt) return "idle";
      await this.#next(this.#state, pace, signal);
      if (this.#state.isOver) return "idle";
    }
    return "busy";
  }

  /** Keeps how far it has come. */
  async save(): Promise<void> {
    if (this.#state === undefined) return;
    await this.#options.metadata.putProgress(JOB, JSON.stringify(this.#state));
    this.#savedAt = this.#options.clock.monotonic();
  }

  async #next(state: State, pace: Pace, signal: AbortSignal): Promise<void> {
    const { clock, logger, store } = this.#options;
    const [set] = await store.listSets(state.after, 1);
    if (set === undefined) {
      const { setCount, lostCount, problemCount } = state;
      logger.info({ setCount, lostCount, problemCount }, "a scrub has read everything");
      this.#state = { ...state, isOver: true, passCount: state.passCount + 1 };
      await this.save();
      return;
    }
    const seen = await store.scrubSet(set.id, { pace, signal });
    if (signal.aborted) return;
    const lost = seen?.lost ?? [];
    const problem = seen?.problem;
    if (lost.length > 0) logger.warn({ setId: set.id, lost }, "a scrub has found lost shards");
    if (problem !== undefined)
      logger.error({ setId: set.id, ...problem }, "a set cannot be checked");
    this.#state = {
      ...state,
      after: set.id,
      setCount: state.setCount + 1,
      lostCount: state.lostCount + lost.length,
      problemCount: state.problemCount + (problem === undefined ? 0 : 1),
    };
    this.#dueAt = clock.monotonic() + (await this.#restMs());
    if (clock.monotonic() - this.#savedAt >= SAVE_EVERY_MS) await this.save();
  }

  /** What is left of the time, shared among the sets that are left. */
  async #restMs(): Promise<number> {
    const { clock, metadata } = this.#options;
    if (this.#state === undefined) return 0;
    if (clock.monotonic() - this.#countedAt >= COUNT_EVERY_MS) {
      this.#setsInAll = (await metadata.totals()).sets;
      this.#countedAt = clock.monotonic();
    }
    const usual = this.#passMs / Math.max(this.#setsInAll, 1);
    const msLeft = this.#passMs - (clock.now() - this.#state.startedAt);
    const setsLeft = Math.max(this.#setsInAll - this.#state.setCount, 1);
    return Math.min(Math.max(msLeft / setsLeft, usual / HURRY_MAX), usual);
  }

  async #load(): Promise<State> {
    const text = await this.#options.metadata.findProgress(JOB);
    if (text === undefined) return fresh(this.#options.clock.now());
    return JSON.parse(text) as State;
  }
}

function fresh(now: number): State {
  return {
    startedAt: now,
    setCount: 0,
    passCount: 0,
    lostCount: 0,
    problemCount: 0,
    isOver: false,
  };
}

function countsOf({ lostCount, passCount }: State): Pick<State, "lostCount" | "passCount"> {
  return { lostCount, passCount };
}
