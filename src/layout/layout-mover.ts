// Brings a change of the layout to its end: what stands in the metadata says how far it has come, so that it goes on after
// any restart. First every worker knows the new layout, then new sets are written by it, then all others are copied; once no
// write by the older one is under way each set is looked at again, and the older one is retired. No faster than the throttle
// lets it.
//
// Invariants: nothing is written by a layout that a worker does not know; a layout is retired only after a pass, begun when
// nothing could be written by it any more, that found every set whole at its new place.

import type { SetId } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { Throttle, type ThrottleLimits } from "../repair/throttle.ts";
import type { LayoutOperations } from "../store/layout/layout-operations.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inHaste } from "../util/lab-haste.ts";
import type { LayoutPhase, LayoutStatus } from "./layout-status.ts";

export interface LayoutMoverOptions {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress" | "totals">;
  readonly store: LayoutOperations;
  /** Has workers beside this one learn what stands in the metadata; resolves when they had the time. */
  readonly tellOthers: () => Promise<void>;
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
  readonly limits?: Partial<ThrottleLimits>;
  readonly logger: Logger;
}

/** How far a pass has come. What is before `after` has been read back when it was copied. */
interface Pass {
  readonly version: number;
  readonly phase: "checking" | "copying";
  readonly after?: SetId | undefined;
  readonly seenSets: number;
  readonly movedShards: number;
  readonly writtenBytes: number;
  readonly waitingSets: number;
  readonly problem?: string | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_LIMITS: ThrottleLimits = { idleBytes: 64 * MIB, busyBytes: 12 * MIB };
const JOB = "layout";
/** Sets that are looked at in one step, and moved at a time. */
const SETS_PER_STEP = 256;
const CONCURRENCY = 2;
/** A pass that left sets behind is followed by another after so long. */
const AGAIN_MS = inHaste(5_000);

export class LayoutMover {
  readonly #options: LayoutMoverOptions;
  readonly #throttle: Throttle;
  #pass: Pass | undefined;
  #phase: LayoutPhase = "idle";
  #totalSets = 0;
  #againAt = 0;
  /** Whether a drive has lost what a pass had seen on it. */
  #wasEmptied = false;

  constructor(options: LayoutMoverOptions) {
    this.#options = options;
    this.#throttle = new Throttle({
      ...DEFAULT_LIMITS,
      ...options.limits,
      isBusy: options.isBusy,
    });
  }

  get status(): LayoutStatus {
    const { newest } = this.#options.store.layoutState();
    const { seenSets = 0, movedShards = 0, writtenBytes = 0 } = this.#pass ?? {};
    const { waitingSets = 0, problem } = this.#pass ?? {};
    return {
      phase: this.#phase,
      version: newest.version,
      seenSets,
      totalSets: this.#totalSets,
      movedShards,
      writtenBytes,
      rateBytes: Math.round(this.#throttle.rate),
      waitingSets,
      problem,
    };
  }

  /** A drive was laid out anew while in use: copies that were seen there may be gone, and are made once more. */
  noteEmptied(): void {
    this.#wasEmptied = true;
  }

  /** Goes on at once, as far as it can. */
  hurry(): void {
    this.#againAt = 0;
  }

  /** One step; "idle": no drives come or go, or all that is left waits for something. */
  async step(signal: AbortSignal): Promise<"busy" | "idle"> {
    const { store } = this.#options;
    const { live, newest, written } = store.layoutState();
    const isUnderWay = live.length > 1;
    // Those that began while the layout changed may know what stood before.
    if (!store.areLayoutsKnown()) await this.#options.tellOthers();
    if (!isUnderWay) {
      this.#phase = "idle";
      return "idle";
    }
    if (written.version < newest.version) return this.#publish();
    const pass = await this.#standing(newest.version);
    if (performance.now() < this.#againAt) return "idle";
    if (pass.phase === "copying" && this.#phase === "settling") return this.#settle(pass);
    this.#phase = pass.phase;
    return this.#walk(pass, signal);
  }

  async #publish(): Promise<"busy" | "idle"> {
    const { logger, store, tellOthers } = this.#options;
    this.#phase = "publishing";
    if (!store.areLayoutsKnown()) return "idle";
    await store.useNewestLayout();
    await tellOthers();
    logger.info({ layout: store.layoutState().newest.version }, "new sets lie on other drives now");
    return "busy";
  }

  /** The pass that is under way, or was before the restart. */
  async #standing(version: number): Promise<Pass> {
    if (this.#pass?.version === version) return this.#pass;
    const { metadata } = this.#options;
    const text = await metadata.findProgress(JOB);
    const saved = text === undefined ? undefined : (JSON.parse(text) as Pass);
    // A last pass holds only for the process that began it: it knows since when nothing else is written.
    const isSame = saved?.version === version && saved.phase === "copying";
    this.#pass = isSame ? saved : freshPass(version, "copying");
    this.#totalSets = (await metadata.totals()).sets;
    return this.#pass;
  }

  async #walk(pass: Pass, signal: AbortSignal): Promise<"busy" | "idle"> {
    const { metadata, store } = this.#options;
    const found = await store.findSetsToMove(pass.after, SETS_PER_STEP);
    const moved = await this.#moveAll(found.setIds, pass.phase, signal);
    if (signal.aborted) return "idle";
    const next: Pass = {
      ...pass,
      after: found.after,
      seenSets: pass.seenSets + found.seenCount,
      movedShards: pass.movedShards + moved.shards,
      writtenBytes: pass.writtenBytes + moved.bytes,
      waitingSets: pass.waitingSets + moved.waitingSets,
      problem: moved.problem ?? pass.problem,
    };
    this.#pass = next;
    if (found.after !== undefined) {
      if (next.phase === "copying") await metadata.putProgress(JOB, JSON.stringify(next));
      return "busy";
    }
    if (next.phase === "copying") {
      this.#phase = "settling";
      return "busy";
    }
    return this.#end(next);
  }

  /** Nothing is written by the older layouts any more: whatever they place is there to be seen. */
  async #settle(pass: Pass): Promise<"busy" | "idle"> {
    const { metadata, store, tellOthers } = this.#options;
    await tellOthers();
    if (!store.areLayoutsKnown() || store.areOlderLayoutsUsed()) return "idle";
    // A write whose outcome nobody knows may still be made when the metadata is opened again: not after this one.
    await metadata.putProgress(JOB, JSON.stringify(pass));
    const { movedShards, writtenBytes } = pass;
    this.#pass = { ...freshPass(pass.version, "checking"), movedShards, writtenBytes };
    this.#phase = "checking";
    return "busy";
  }

  async #end(pass: Pass): Promise<"busy" | "idle"> {
    const { logger, metadata, store, tellOthers } = this.#options;
    if (this.#wasEmptied) {
      this.#wasEmptied = false;
      this.#pass = freshPass(pass.version, "copying");
      this.#phase = "copying";
      return "busy";
    }
    if (pass.waitingSets > 0) {
      const { problem, waitingSets } = pass;
      logger.warn({ waitingSets, problem }, "sets could not be copied yet; they are tried again");
      this.#pass = { ...freshPass(pass.version, "checking"), problem };
      this.#againAt = performance.now() + AGAIN_MS;
      return "idle";
    }
    await store.retireOlderLayouts();
    await tellOthers();
    await metadata.putProgress(JOB, undefined);
    const { movedShards, writtenBytes, version } = pass;
    logger.info({ layout: version, movedShards, writtenBytes }, "all sets lie where they should");
    this.#phase = "idle";
    return "busy";
  }

  async #moveAll(setIds: readonly SetId[], phase: Pass["phase"], signal: AbortSignal) {
    const moved = { shards: 0, bytes: 0, waitingSets: 0, problem: undefined as string | undefined };
    const options = {
      pace: this.#throttle.pace(signal),
      signal,
      trustsCopies: phase === "checking",
    };
    const queue = setIds.values();
    const take = async (): Promise<void> => {
      for (const setId of queue) {
        if (signal.aborted) return;
        const { movedShards, writtenBytes, problem } = await this.#options.store.moveSet(
          setId,
          options,
        );
        moved.shards += movedShards;
        moved.bytes += writtenBytes;
        if (problem === undefined) continue;
        moved.waitingSets += 1;
        moved.problem = problem;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, take));
    return moved;
  }
}

function freshPass(version: number, phase: Pass["phase"]): Pass {
  return { version, phase, seenSets: 0, movedShards: 0, writtenBytes: 0, waitingSets: 0 };
}
