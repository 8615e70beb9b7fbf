// A drive as the object store sees it: its ShardStore, and what is known of its health. A drive whose call failed is
// away until a probe succeeds; one that keeps failing after good probes is asked more and more rarely.
// One that was set aside again and again is on probation when it answers: reads begin elsewhere, and no call waits long for it.
// A drive that is away gets no new shards and is read only when nothing else is left. One that is full up to its reserve
// gets no new shards either, and is read, and deleted from, like any other.

import { ShardError, type ShardStore, type SpaceInfo } from "../datanode/shard-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { withDeadline } from "../util/deadline.ts";
import { LatencySample } from "./latency-sample.ts";
import { Lateness } from "./lateness.ts";
import { SpaceWatch, type SpaceLimits } from "./space-watch.ts";

const PROBE_EVERY_MS = 1_000;
const PROBE_DEADLINE_MS = 2_000;
const SET_ASIDE_MS_MAX = 30_000;
/** How long a drive that was overtaken by a hedged read is asked last. */
const SLOW_MS = 3_000;
/** A drive that was set aside so often, within so long, is on probation when it is back: twice as long each time more. */
const PROBATION_AFTER = 3;
const PROBATION_WITHIN_MS = 10 * 60_000;
const PROBATION_MS = 5_000;
const PROBATION_MS_MAX = 5 * 60_000;
/** How long a call may take on probation: who flaps is not to cost each request a whole deadline. */
const PROBATION_DEADLINE_MS = 1_000;

export interface DriveContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SpaceLimits;
}

export interface DriveCalls {
  readonly goodCount: number;
  readonly errorCount: number;
  readonly lastError: string | undefined;
}

export class Drive {
  readonly store: ShardStore;
  readonly latency = new LatencySample();
  readonly #lateness = new Lateness();
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #space: SpaceWatch;
  #isAway = false;
  #isClosed = false;
  #failuresInRow = 0;
  #goodCount = 0;
  #readCount = 0;
  #errorCount = 0;
  #lastError: string | undefined;
  #asideUntil = 0;
  /** When it was set aside of late. */
  #asides: readonly number[] = [];
  #probationUntil = Number.NEGATIVE_INFINITY;
  #slowUntil = 0;
  #goodAt = Number.NEGATIVE_INFINITY;
  #probing: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: ShardStore, { clock, logger, limits }: DriveContext) {
    this.store = store;
    this.#clock = clock;
    this.#logger = logger;
    const ask = () => store.space();
    this.#space = new SpaceWatch({ label: store.label, ask, limits, logger });
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether it was given up: another stands for it, or none. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it takes no new shards since no more than its reserve is left. */
  get isShort(): boolean {
    return this.#space.isShort;
  }

  /** Whether reads had better begin elsewhere. */
  get isSlow(): boolean {
    return this.isOnProbation || this.#slowUntil > this.#clock.monotonic();
  }

  /** Whether it was set aside again and again, and is back since a short time. */
  get isOnProbation(): boolean {
    return this.#probationUntil > this.#clock.monotonic();
  }

  /** How long a call of it may take now, in milliseconds. */
  deadlineOf(usualMs: number): number {
    return this.isOnProbation ? Math.min(usualMs, PROBATION_DEADLINE_MS) : usualMs;
  }

  /** What is left on it, as far as is known: while it is away, what was left before. */
  get space(): SpaceInfo | undefined {
    return this.#space.last;
  }

  /** Calls of requests since the start, and what went wrong last: undefined while the drive is well. */
  get calls(): DriveCalls {
    const lastError = this.#isAway ? this.#lastError : undefined;
    return { goodCount: this.#goodCount, errorCount: this.#errorCount, lastError };
  }

  /** Reads of requests that it has answered since the start. */
  get readCount(): number {
    return this.#readCount;
  }

  /** It has answered a read: beside `noteGood`, for writes say nothing of how quick its reads are. */
  noteRead(): void {
    this.#readCount += 1;
    this.#lateness.noteAnswer();
  }

  noteGood(): void {
    this.#goodCount += 1;
    this.#goodAt = this.#clock.monotonic();
    this.#failuresInRow = 0;
  }

  /** A read is late that began when it had answered so many reads. Returns whether reads had better begin elsewhere now. */
  noteLate(readCountBefore: number): boolean {
    const isSlow = this.#lateness.noteLate(this.#readCount > readCountBefore);
    if (isSlow) this.#slowUntil = this.#clock.monotonic() + SLOW_MS;
    return isSlow;
  }

  /** Judges an error of a call: only one that speaks of the drive as a whole sets it aside. */
  noteError(error: unknown): void {
    this.#errorCount += 1;
    if (error instanceof ShardError && error.code === "Full") void this.#space.refresh();
    if (error instanceof ShardError && !["Denied", "Unavailable"].includes(error.code)) return;
    // Calls that were under way when the drive went away are one failure, not many.
    if (this.#isAway || this.#isClosed) return;
    this.#isAway = true;
    this.#lastError = error instanceof Error ? error.message : String(error);
    this.#failuresInRow += 1;
    const since = this.#clock.monotonic() - PROBATION_WITHIN_MS;
    this.#asides = [...this.#asides.filter((at) => at > since), this.#clock.monotonic()];
    this.#logger.warn({ err: error, drive: this.store.label }, "a drive is set aside");
    const waitMs =
      this.#failuresInRow === 1
        ? 0
        : Math.min(PROBE_EVERY_MS * 2 ** (this.#failuresInRow - 2), SET_ASIDE_MS_MAX);
    this.#asideUntil = this.#clock.monotonic() + waitMs;
    this.#probeLater(waitMs);
  }

  /** Whether the drive did answer within `freshMs`. One that was set aside did not. */
  isFresh(freshMs: number): boolean {
    return !this.#isAway && this.#clock.monotonic() - this.#goodAt < freshMs;
  }

  /** Whether the drive answers now, or did within `freshMs`; never rejects. One that was set aside stays so. */
  confirm(freshMs: number): Promise<boolean> {
    if (this.isFresh(freshMs)) return Promise.resolve(true);
    if (this.#asideUntil > this.#clock.monotonic()) return Promise.resolve(false);
    return this.probe();
  }

  /** Asks the drive whether it is there; never rejects. Calls at the same time share one probe. */
  probe(): Promise<boolean> {
    this.#probing ??= this.#probe().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#space.close();
    return this.store.close();
  }

  async #probe(): Promise<boolean> {
    try {
      const space = await withDeadline(this.store.space(), {
        timeoutMs: PROBE_DEADLINE_MS,
        onTimeout: () => new ShardError("Unavailable", `${this.store.label} does not answer`),
      });
      this.#space.note(space);
    } catch (error) {
      if (this.#isAway) this.#probeLater(PROBE_EVERY_MS);
      else this.noteError(error);
      return false;
    }
    this.#goodAt = this.#clock.monotonic();
    if (this.#isAway) this.#comeBack();
    return true;
  }

  #comeBack(): void {
    this.#isAway = false;
    const now = this.#clock.monotonic();
    const recent = this.#asides.filter((at) => at > now - PROBATION_WITHIN_MS);
    const more = recent.length - PROBATION_AFTER;
    const probationMs = more < 0 ? 0 : Math.min(PROBATION_MS * 2 ** more, PROBATION_MS_MAX);
    this.#probationUntil = now + probationMs;
    this.#logger.info({ drive: this.store.label, probationMs }, "a drive is back");
  }

  #probeLater(waitMs: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.probe(), waitMs);
    this.#timer.unref();
  }
}
