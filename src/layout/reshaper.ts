// Brings sets that are cut otherwise than new ones to the cut of these: packs are emptied, single sets written anew and their
// rows swapped. What stands in the metadata says how far it has come, so that it goes on after any restart.
// A pass looks at all packs, then at all rows, then at all sets: what it left behind is tried again in another.
//
// Invariant: it is done only when a look at all sets, begun when nothing could be cut otherwise any more, has found none.

import type { SetId } from "../core/ids.ts";
import type { MetadataStore, WalkPosition } from "../metadata/metadata-store.ts";
import { Throttle, type ThrottleLimits } from "../repair/throttle.ts";
import type { LayoutOperations } from "../store/layout/layout-operations.ts";
import { RESHAPE_JOB, sinceOf } from "../store/reshape/other-cuts.ts";
import type { ReshapeOperations, ReshapePage } from "../store/reshape/reshape-operations.ts";
import type { Logger } from "../telemetry/logger.ts";
import { crashPoint } from "../util/crash-point.ts";
import { inHaste } from "../util/lab-haste.ts";
import type { ReshapePhase, ReshapeStatus } from "./reshape-status.ts";

export interface ReshaperOptions {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress" | "totals">;
  readonly store: Pick<LayoutOperations, "layoutState"> &
    ReshapeOperations & { readonly awayCount: () => number };
  /** Has as many members keep the metadata as fit the new cut; resolves to why they do not yet. */
  readonly followMembers: () => Promise<string | undefined>;
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
  readonly limits?: Partial<ThrottleLimits>;
  readonly logger: Logger;
}

interface Pass {
  /** Of the layout since which sets are cut anew. */
  readonly version: number;
  readonly sinceVersion: number;
  readonly isDone: boolean;
  readonly phase: "looking" | "objects" | "packs";
  readonly afterSet?: SetId | undefined;
  readonly afterRow?: WalkPosition | undefined;
  readonly seenCount: number;
  readonly rewrittenSets: number;
  readonly writtenBytes: number;
  /** Counted while it looks. */
  readonly leftSets: number;
  readonly problem?: string | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_LIMITS: ThrottleLimits = { idleBytes: 64 * MIB, busyBytes: 12 * MIB };
const PACKS_PER_STEP = 4;
const ROWS_PER_STEP = 64;
/** Where nothing is written how far it has come is kept this seldom. */
const ROWS_PER_NOTE = 4_096;
const SETS_PER_LOOK = 1_024;
/** A pass that left sets behind is followed by another after so long, and by more after ever longer. */
const AGAIN_MS_MIN = inHaste(5_000);
const AGAIN_MS_MAX = inHaste(600_000);

export class Reshaper {
  readonly #options: ReshaperOptions;
  readonly #throttle: Throttle;
  #pass: Pass | undefined;
  /** The newest layout when the pass was last looked for. */
  #seenLayout = 0;
  #isWaiting = false;
  #wait: string | undefined;
  #totalCount = 0;
  /** Of the pass when it was last kept. */
  #keptCount = 0;
  #lastLeft: number | undefined;
  #haveMembersFollowed = false;
  #againAt = 0;
  #againMs = AGAIN_MS_MIN;

  constructor(options: ReshaperOptions) {
    this.#options = options;
    this.#throttle = new Throttle({
      ...DEFAULT_LIMITS,
      ...options.limits,
      isBusy: options.isBusy,
    });
  }

  get status(): ReshapeStatus {
    const pass = this.#pass;
    return {
      phase: this.#phase,
      seenCount: pass?.seenCount ?? 0,
      totalCount: this.#totalCount,
      rewrittenSets: pass?.rewrittenSets ?? 0,
      writtenBytes: pass?.writtenBytes ?? 0,
      rateBytes: Math.round(this.#throttle.rate),
      leftSets: this.#lastLeft ?? 0,
      problem: pass === undefined || pass.isDone ? undefined : (this.#wait ?? pass.problem),
    };
  }

  get #phase(): ReshapePhase {
    if (this.#pass === undefined || this.#pass.isDone) return "idle";
    return this.#isWaiting ? "waiting" : this.#pass.phase;
  }

  /** Goes on at once, as far as it can. */
  hurry(): void {
    this.#againAt = 0;
    this.#againMs = AGAIN_MS_MIN;
  }

  /** Looks at all sets once more: metadata that was made anew from the drives does not know what is left. */
  lookAgain(): void {
    if (this.#pass?.isDone === false) return;
    const { version = this.#seenLayout, sinceVersion = 0 } = this.#pass ?? {};
    this.#pass = freshPass(version, sinceVersion);
    this.#lastLeft = undefined;
  }

  /** One step; "idle": all is cut as it should be, or what is left waits for something. */
  async step(signal: AbortSignal): Promise<"busy" | "idle"> {
    const { store } = this.#options;
    const { live, newest } = store.layoutState();
    if (newest.version !== this.#seenLayout) await this.#findPass(newest.version);
    const pass = this.#pass;
    if (pass === undefined || pass.isDone) return "idle";
    this.#wait = await this.#obstacle(live.length, signal);
    this.#isWaiting = this.#wait !== undefined || performance.now() < this.#againAt;
    if (this.#isWaiting) return "idle";
    return pass.phase === "looking" ? this.#look(pass) : this.#walk(pass, signal);
  }

  async #walk(pass: Pass, signal: AbortSignal): Promise<"busy" | "idle"> {
    const { store } = this.#options;
    const options = { pace: this.#throttle.pace(signal), signal };
    let next: Pass;
    if (pass.phase === "packs") {
      const page = await store.reshapePacks(pass.afterSet, PACKS_PER_STEP, options);
      next = { ...counted(pass, page), afterSet: page.after };
      if (page.after === undefined) next = { ...next, phase: "objects", seenCount: 0 };
    } else {
      const page = await store.reshapeRows(pass.afterRow, ROWS_PER_STEP, options);
      next = { ...counted(pass, page), afterRow: page.after };
      if (page.after === undefined) next = { ...next, phase: "looking", seenCount: 0 };
    }
    // Cut off, it has passed over some of the page.
    return signal.aborted ? "idle" : this.#note(next);
  }

  /** The pass that is under way, or was before the restart; none where sets never were cut otherwise. */
  async #findPass(newestVersion: number): Promise<void> {
    const { metadata, store } = this.#options;
    const version = await store.findCutVersion();
    if (version !== undefined && version !== this.#pass?.version) {
      const text = await metadata.findProgress(RESHAPE_JOB);
      const saved = text === undefined ? undefined : (JSON.parse(text) as Pass);
      this.#pass = saved?.version === version ? saved : freshPass(version, sinceOf(saved, version));
      this.#haveMembersFollowed = false;
      this.#lastLeft = undefined;
      this.hurry();
    }
    this.#seenLayout = newestVersion;
  }

  /** What all of it waits for. */
  async #obstacle(liveCount: number, signal: AbortSignal): Promise<string | undefined> {
    const { followMembers, store } = this.#options;
    // Until then sets may still be written as before.
    if (liveCount > 1)
      return "all workers are to learn of it, and uploads that began before to end";
    if (!this.#haveMembersFollowed && performance.now() >= this.#againAt) {
      const problem = await orAborted(followMembers(), signal);
      if (problem !== undefined) return `copies of the metadata are to follow: ${problem}`;
      this.#haveMembersFollowed = true;
    }
    // What is written without it would lack its shard, which the old set may have.
    return store.awayCount() > 0 ? "a drive is away" : store.lackOfDrives();
  }

  async #note(pass: Pass): Promise<"busy"> {
    const { metadata } = this.#options;
    const before = this.#pass;
    const isNewPhase = pass.phase !== before?.phase;
    this.#pass = pass;
    if (isNewPhase || this.#totalCount === 0) {
      const totals = await metadata.totals();
      this.#totalCount = pass.phase === "packs" ? totals.packs : totals.objects;
    }
    const isWorthIt = isNewPhase || pass.seenCount >= this.#keptCount + ROWS_PER_NOTE;
    if (!isWorthIt && pass.writtenBytes === before?.writtenBytes) return "busy";
    this.#keptCount = pass.seenCount;
    await metadata.putProgress(RESHAPE_JOB, JSON.stringify(pass));
    crashPoint("reshape.noted");
    return "busy";
  }

  /** Counts what is left; that is not kept: only a look in one go says anything. */
  async #look(pass: Pass): Promise<"busy" | "idle"> {
    const { store } = this.#options;
    const found = await store.countOthers(pass.afterSet, SETS_PER_LOOK);
    const leftSets = pass.leftSets + found.count;
    this.#pass = { ...pass, afterSet: found.after, leftSets };
    if (found.after !== undefined) return "busy";
    this.#lastLeft = leftSets;
    if (leftSets > 0) return this.#tryAgain(pass, leftSets);
    if (await store.isWiderTrashed()) {
      this.#pass = { ...pass, afterSet: undefined, leftSets: 0 };
      return this.#rest("what was deleted is still on the drives");
    }
    return this.#end(pass);
  }

  #tryAgain(pass: Pass, leftSets: number): "idle" {
    const { logger } = this.#options;
    const { rewrittenSets, sinceVersion, version, writtenBytes } = pass;
    const problem = pass.problem ?? "something names sets that were passed over";
    logger.warn({ leftSets, problem }, "sets could not be cut anew yet; they are tried again");
    const fresh = freshPass(version, sinceVersion);
    this.#pass = { ...fresh, rewrittenSets, writtenBytes, problem };
    return this.#rest(problem);
  }

  #rest(problem: string): "idle" {
    this.#againAt = performance.now() + this.#againMs;
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MS_MAX);
    this.#isWaiting = true;
    this.#wait = problem;
    return "idle";
  }

  async #end(pass: Pass): Promise<"busy"> {
    const { logger, metadata, store } = this.#options;
    const { rewrittenSets, sinceVersion, version, writtenBytes } = pass;
    const fresh = freshPass(version, sinceVersion);
    const done: Pass = { ...fresh, isDone: true, rewrittenSets, writtenBytes };
    await metadata.putProgress(RESHAPE_JOB, JSON.stringify(done));
    this.#pass = done;
    const { dataShards, parityShards } = store.newCut();
    const cut = `${dataShards}+${parityShards}`;
    logger.info({ cut, rewrittenSets, writtenBytes }, "all sets are cut as new ones are");
    return "busy";
  }
}

/** New members may take minutes to learn what there is: a stop does not wait for them. */
async function orAborted(
  following: Promise<string | undefined>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return "it was ended";
  const aborted = new AbortController();
  const ended = new Promise<string>((resolve) => {
    signal.addEventListener("abort", () => resolve("it was ended"), { signal: aborted.signal });
  });
  try {
    return await Promise.race([following, ended]);
  } finally {
    aborted.abort();
  }
}

function freshPass(version: number, sinceVersion: number): Pass {
  const counts = { seenCount: 0, rewrittenSets: 0, writtenBytes: 0, leftSets: 0 };
  return { version, sinceVersion, isDone: false, phase: "packs", ...counts };
}

function counted(pass: Pass, page: ReshapePage<unknown>): Pass {
  return {
    ...pass,
    seenCount: pass.seenCount + page.seenCount,
    rewrittenSets: pass.rewrittenSets + page.rewrittenCount,
    writtenBytes: pass.writtenBytes + page.writtenBytes,
    problem: page.problem ?? pass.problem,
  };
}
