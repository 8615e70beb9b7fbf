// Repair in the background: sets that lack shards are made whole again, the weakest first, no faster than the throttle lets it
// and as fast as that. The queue is the metadata itself, so that nothing is lost with the process. What waits for drives costs
// nothing until one of them is back; what fails is kept, told of, and tried again more and more rarely.

import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { RepairOperations } from "../store/repair/repair-operations.ts";
import type { SetRepair } from "../store/repair/repair-set.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { inHaste } from "../util/lab-haste.ts";
import { Limiter } from "../util/limiter.ts";
import {
  DegradedQueue,
  NOTHING_DEGRADED,
  type DegradedCounts,
  type QueuedSet,
} from "./degraded-queue.ts";
import { FailingSets } from "./failing-sets.ts";
import { RenewedDrives, type RenewedDrive } from "./renewed-drives.ts";
import type { RepairStatus } from "./repair-status.ts";
import { DEFAULT_SCRUB_PASS_MS, Scrub } from "./scrub.ts";
import { limitsBeside, Throttle, type ThrottleLimits } from "./throttle.ts";

export interface RepairOptions {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress" | "totals">;
  readonly store: RepairOperations;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: ThrottleLimits;
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
  /** What a pass of the scrub takes. */
  readonly scrubPassMs?: number | "never";
}

const MIB = 1024 * 1024;
const DEFAULT_LIMITS = limitsBeside(12 * MIB);
/** Sets under way at a time: while one waits for its drives another computes. */
const CONCURRENCY = 6;
/** Large ones whose shards are made at a time; others are planned, or read back, meanwhile. */
const MAKING_MAX = 2;
/** Sets of one step. */
const SETS_PER_STEP = 32;
/** How long a look that has found nothing to do stands, as long as no drive comes back. */
const LOOK_EVERY_MS = inHaste(30_000);
/** How long one stands that has found more than is done by then: what became weaker meanwhile goes first. */
const LOOK_AGAIN_MS = inHaste(60_000);
const FAILING_SHOWN_MAX = 100;

export class Repair {
  readonly #options: RepairOptions;
  readonly #throttle: Throttle;
  readonly #scrubThrottle: Throttle;
  readonly #queue: DegradedQueue;
  readonly #failing = new FailingSets();
  readonly #renewed: RenewedDrives;
  readonly #scrub: Scrub;
  readonly #turns = new Limiter({ concurrency: MAKING_MAX, queueMax: CONCURRENCY });
  #counts: DegradedCounts = NOTHING_DEGRADED;
  #waitingSets = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Something has been met, or done, since the last look. */
  #isStale = true;
  /** Somebody has asked for a look. */
  #isAsked = false;
  #reachable = "";
  #hasLooked = false;
  #hurryCount = 0;
  #isWorking = false;
  #isWalking = false;
  #done = { sets: 0, rebuiltShards: 0, writtenBytes: 0 };

  constructor(options: RepairOptions) {
    const { clock, isBusy, logger, metadata, store } = options;
    this.#options = options;
    const { limits = DEFAULT_LIMITS } = options;
    this.#throttle = new Throttle({ ...limits, isBusy });
    this.#scrubThrottle = new Throttle({ ...limits, isBusy });
    this.#queue = new DegradedQueue(store);
    this.#renewed = new RenewedDrives({ metadata, store, clock, logger });
    const passMs = options.scrubPassMs ?? DEFAULT_SCRUB_PASS_MS;
    this.#scrub = new Scrub({ metadata, store, clock, logger, passMs });
    // A read has met something: it is looked at in the next step.
    store.onLostShard(() => (this.#isStale = true));
  }

  /** A drive that was laid out anew: what lay there before is found out, and made anew. */
  addRenewed(drive: RenewedDrive): void {
    this.#renewed.add(drive);
  }

  /** Looks at everything again, at once; `isUnthrottled`: until all is done, as fast as it goes. */
  hurry(isUnthrottled: boolean): void {
    this.#hurryCount += 1;
    this.#failing.wakeAll();
    this.#throttle.setOff(isUnthrottled);
    this.#isAsked = true;
  }

  /** "idle": there is nothing to do now. */
  async step(signal: AbortSignal): Promise<"busy" | "idle"> {
    const before = this.#hurryCount;
    this.#isWalking = await this.#renewed.step();
    if (this.#isLookDue()) await this.#look();
    const sets = this.#queue.take(SETS_PER_STEP);
    if (sets.length > 0) await this.#repairAll(sets, signal);
    this.#isWorking = sets.length > 0;
    if (this.#isWorking || this.#isWalking) return "busy";
    // Unless somebody has asked meanwhile.
    if (this.#hurryCount === before) this.#throttle.setOff(false);
    return "idle";
  }

  /** A step of the scrub, which rests while there is something to mend. */
  async scrub(signal: AbortSignal): Promise<"busy" | "idle"> {
    if (this.#isWorking || this.#isWalking) return "idle";
    return this.#scrub.step(this.#scrubThrottle.pace(signal), signal);
  }

  /** Keeps how far the scrub has come; where that cannot be kept, what it has read is read again. */
  async close(): Promise<void> {
    try {
      await this.#scrub.save();
    } catch (error) {
      this.#options.logger.warn({ err: error }, "how far the scrub has come could not be kept");
    }
  }

  get status(): RepairStatus {
    const { sets, bytes, bySpare, isMore } = this.#counts;
    const now = this.#options.clock.monotonic();
    const rateBytes = this.#throttle.rate;
    const isLeft = sets > 0 && this.#isWorking && rateBytes > 0;
    return {
      state: this.#state(),
      isUnthrottled: this.#throttle.isOff,
      degraded: {
        sets,
        bytes,
        bySpare: [...bySpare]
          .filter(([, count]) => count > 0)
          .toSorted(([a], [b]) => a - b)
          .map(([spareCount, count]) => ({ spareCount, sets: count })),
        isMore,
      },
      waitingSets: this.#waitingSets,
      failing: {
        sets: this.#failing.count,
        first: this.#failing
          .list(FAILING_SHOWN_MAX)
          .map(({ setId, kind, words, triedCount, againAt }) => {
            const secondsLeft = Math.max(Math.ceil((againAt - now) / 1_000), 0);
            return { setId, kind, words, triedCount, secondsLeft };
          }),
      },
      done: this.#done,
      rateBytes: Math.round(rateBytes),
      secondsLeft: isLeft ? Math.ceil(bytes / rateBytes) : undefined,
      renewedDrives: this.#renewed.status,
      scrub: this.#scrub.status,
    };
  }

  #state(): RepairStatus["state"] {
    if (this.#isWorking) return "repairing";
    // What was seen last says nothing of what has come since.
    if (this.#isWalking || !this.#hasLooked || this.#isOutdated()) return "looking";
    return this.#counts.sets > 0 || !this.#renewed.isDone ? "waiting" : "idle";
  }

  #isOutdated(): boolean {
    const { clock, store } = this.#options;
    if (this.#isStale || this.#isAsked) return true;
    if (store.reachableDrives().join() !== this.#reachable) return true;
    return clock.monotonic() - this.#lookedAt > 2 * LOOK_EVERY_MS;
  }

  /** Time has passed, a drive has come or gone, somebody asks, or a read has met something. */
  #isLookDue(): boolean {
    const { clock, store } = this.#options;
    if (this.#isAsked || store.reachableDrives().join() !== this.#reachable) return true;
    const sinceMs = clock.monotonic() - this.#lookedAt;
    // A look at very many takes its time: what is met meanwhile waits for the next.
    if (this.#queue.length > 0) return sinceMs >= LOOK_AGAIN_MS;
    return this.#isStale || sinceMs >= LOOK_EVERY_MS;
  }

  async #look(): Promise<void> {
    const { clock, store } = this.#options;
    const now = clock.monotonic();
    const reachable = store.reachableDrives().join();
    if (reachable !== this.#reachable) this.#failing.wakeAll();
    [this.#reachable, this.#isAsked, this.#isStale, this.#lookedAt] = [
      reachable,
      false,
      false,
      now,
    ];
    try {
      this.#counts = await this.#queue.look((setId) => this.#failing.isResting(setId, now));
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
    this.#hasLooked = true;
    this.#waitingSets = this.#counts.waitingSets;
    if (this.#counts.sets === 0)
      for (const { setId } of this.#failing.list(Infinity)) this.#failing.forget(setId);
  }

  async #repairAll(sets: readonly QueuedSet[], signal: AbortSignal): Promise<void> {
    this.#isWorking = true;
    const queue = sets.values();
    const take = async (): Promise<void> => {
      for (const queued of queue) {
        if (signal.aborted) return;
        await this.#repair(queued, signal);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, take));
    // What is left is looked at anew: those that came meanwhile may be weaker.
    if (this.#queue.length === 0 && !signal.aborted) this.#isStale = true;
  }

  async #repair(queued: QueuedSet, signal: AbortSignal): Promise<void> {
    const { setId } = queued;
    const pace = this.#throttle.pace(signal);
    let repair: SetRepair | undefined;
    try {
      repair = await this.#options.store.repairSet(setId, { pace, signal, turns: this.#turns });
    } catch (error) {
      if (signal.aborted) return;
      const words = error instanceof Error ? error.message : String(error);
      this.#fail(setId, { kind: "refused", words });
      return;
    }
    if (repair !== undefined) this.#note(queued, repair);
    else this.#discount(queued);
  }

  #note(queued: QueuedSet, repair: SetRepair): void {
    const { setId } = queued;
    const { rebuilt, left, fault, writtenBytes } = repair;
    const { sets, rebuiltShards, writtenBytes: before } = this.#done;
    const isWhole = left.length === 0;
    this.#done = {
      sets: sets + (isWhole ? 1 : 0),
      rebuiltShards: rebuiltShards + rebuilt.length,
      writtenBytes: before + writtenBytes,
    };
    if (isWhole) {
      this.#discount(queued);
      this.#options.logger.debug({ setId, rebuilt }, "a set is whole again");
    } else if (fault !== undefined) this.#fail(setId, fault);
  }

  #discount({ setId, spareCount, missingBytes }: QueuedSet): void {
    this.#failing.forget(setId);
    const { sets, bytes, bySpare, ...rest } = this.#counts;
    const counts = new Map(bySpare);
    counts.set(spareCount, Math.max((counts.get(spareCount) ?? 0) - 1, 0));
    this.#counts = {
      ...rest,
      sets: Math.max(sets - 1, 0),
      bytes: Math.max(bytes - missingBytes, 0),
      bySpare: counts,
    };
  }

  #fail(setId: QueuedSet["setId"], problem: NonNullable<SetRepair["fault"]>): void {
    const { clock, logger } = this.#options;
    this.#failing.note(setId, problem, clock.monotonic());
    // That something waits is no news.
    if (problem.kind === "waits") this.#waitingSets += 1;
    else logger.warn({ setId, ...problem }, "a set could not be repaired");
  }
}
