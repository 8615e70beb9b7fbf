// The lifecycles of all buckets: once a day, after midnight UTC, and whenever a bucket's rules have changed, a pass goes over
// what is due in it. What is due comes from indexes on time. Work for a background worker, in bounded steps; or all at once.
//
// Invariants: nothing goes but by a rule that stands now, in a transaction that finds it as it was seen; a crash at any
// moment costs no more than looking at some of it again.

import type { BucketRecord } from "../metadata/records.ts";
import { beginPass, type BucketPass, type LifecycleParts } from "./bucket-pass.ts";
import { ClockGuard } from "./clock-guard.ts";
import { dayOf, DAY_MS, hasShortDays } from "./day-length.ts";
import { LIFECYCLE_DOCUMENT_NAME } from "./lifecycle-rule.ts";
import { jobOf } from "./pass-state.ts";

export type { LifecycleParts } from "./bucket-pass.ts";

/** Buckets that are looked for at a time. */
const BUCKETS_AT_A_TIME = 100;
/** Buckets that are remembered as done for the day. */
const REMEMBERED_MAX = 100_000;

/** What a bucket was like when its pass was over. */
interface Done {
  readonly settingsVersion: number;
  readonly day: number;
}

export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #guard: ClockGuard;
  /** By bucket id: so that a bucket without work costs nothing. */
  readonly #done = new Map<number, Done>();
  /** Buckets up to that id have been looked at in this round. */
  #after = 0;
  #pass: BucketPass | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#guard = new ClockGuard(parts);
    if (!hasShortDays) return;
    parts.logger.warn(
      { daySeconds: DAY_MS / 1_000 },
      "KINTSUGI_LIFECYCLE_DAY_SECONDS is set: lifecycle rules take that for a day, and REMOVE OBJECTS EARLY",
    );
  }

  /**
   * "idle": nothing is due in any bucket, for now; or the clock is not to be believed. Steps that are asked for at the same
   * time follow each other.
   */
  step(): Promise<"busy" | "idle"> {
    return this.#inTurn(async () => ((await this.#guard.isTrusted()) ? this.#step() : "idle"));
  }

  /** Goes on until nothing is due in any bucket by the time of this call, which is taken for right. */
  async run(): Promise<void> {
    await this.#inTurn(() => this.#guard.trust());
    this.#after = 0;
    while ((await this.#inTurn(() => this.#step())) !== "idle");
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #step(): Promise<"busy" | "idle"> {
    this.#pass ??= await this.#findPass();
    const pass = this.#pass;
    if (pass === undefined) return "idle";
    try {
      if (await pass.step()) this.#pass = undefined;
    } catch (error) {
      // The others must not wait for a bucket that fails; its own turn comes again in the next round.
      this.#pass = undefined;
      this.#after = pass.bucketId;
      throw error;
    }
    return "busy";
  }

  /** The next bucket with something to do; undefined at the end of a round. */
  async #findPass(): Promise<BucketPass | undefined> {
    const { metadata } = this.#parts;
    for (;;) {
      const buckets = await metadata.listConfigured(
        LIFECYCLE_DOCUMENT_NAME,
        this.#after,
        BUCKETS_AT_A_TIME,
      );
      for (const bucket of buckets) {
        const before = this.#after;
        this.#after = bucket.id;
        const pass = await this.#beginPass(bucket);
        if (pass === undefined) continue;
        // Looked at once more when its pass is over: the day may have changed meanwhile, and its rules.
        this.#after = before;
        return pass;
      }
      if (buckets.length < BUCKETS_AT_A_TIME) break;
    }
    await this.#forgetGone();
    this.#after = 0;
    return undefined;
  }

  async #beginPass(bucket: BucketRecord): Promise<BucketPass | undefined> {
    const { id, settingsVersion } = bucket;
    const day = dayOf(this.#parts.clock.now());
    const done = this.#done.get(id);
    if (done?.day === day && done.settingsVersion === settingsVersion) return undefined;
    const pass = await beginPass(this.#parts, bucket);
    if (pass === undefined) this.#remember(id, { settingsVersion, day });
    return pass;
  }

  #remember(id: number, done: Done): void {
    if (this.#done.size >= REMEMBERED_MAX) this.#done.clear();
    this.#done.set(id, done);
  }

  /** What was noted of buckets that are there no more goes too. */
  async #forgetGone(): Promise<void> {
    const { metadata } = this.#parts;
    for (const id of this.#done.keys()) {
      if ((await metadata.findBucketById(id)) !== undefined) continue;
      this.#done.delete(id);
      await metadata.putProgress(jobOf({ id }), undefined);
    }
  }
}
