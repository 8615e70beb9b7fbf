// What the server has to do beside its requests, so that a kill comes amid it: packs are compacted, drives come and go; and
// what was at work when the kill came, as its admin API says.

import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../../src/util/seeded-random.ts";
import type { Started } from "./crash-loop.ts";
import { isMoving, type DriveMoves } from "./drive-moves.ts";
import { compactAll, findStatus, requireNoStrays } from "./lab-admin.ts";
import type { Journal } from "./world.ts";

/** How long an answer is awaited before the time of the load begins. */
const AWAITED_MS_MAX = 5_000;
/** How long changes of the drives may take to come to their end, beside nothing else. */
const SETTLE_MS_MAX = 60_000;
const SETTLE_POLL_MS = 100;

export interface WorksOptions {
  readonly moves: DriveMoves;
  readonly random: SeededRandom;
  readonly journal: Journal;
}

interface Worry {
  /** How long the load lasts at most. */
  readonly loadMs: number;
  readonly isDown: () => boolean;
}

export class BackgroundWorks {
  readonly #options: WorksOptions;
  #scrubPasses = 0;
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: WorksOptions) {
    this.#options = options;
  }

  /**
   * The time of the load, and what goes on beside it: in two of three cycles drives come or go, in one of two all packs are
   * compacted. In three of four of them that is at its beginning, and is answered before the time begins; else it is amid it.
   */
  async worry(server: Started, { isDown, loadMs }: Worry): Promise<void> {
    const { journal, moves, random } = this.#options;
    const doesMove = random.below(3) > 0;
    const doesCompact = random.below(2) === 0;
    const isAwaited = random.below(4) > 0;
    const [moveAfterMs, compactAfterMs] = [random.below(loadMs), random.below(loadMs)];
    const after = async (ms: number, work: () => Promise<void>): Promise<void> => {
      await sleep(isAwaited ? 0 : ms);
      if (isDown()) return;
      await work().catch((error: unknown) => {
        if (isDown() || server.process.hasEnded) return;
        const words = String(error).replaceAll(/\/[^ ,:]+|\d+/g, "#");
        journal.note(`background: ${words.slice(0, 80)}`);
      });
    };
    this.#working = Promise.all([
      ...(doesMove ? [after(moveAfterMs, () => moves.act(server))] : []),
      ...(doesCompact ? [after(compactAfterMs, () => this.#compact(server))] : []),
    ]);
    const ended = server.process.ended();
    if (isAwaited) await Promise.race([this.#working, sleep(AWAITED_MS_MAX), ended]);
    await Promise.race([sleep(loadMs), ended]);
  }

  /** Resolves when nothing of it is under way any more. */
  async over(): Promise<void> {
    await this.#working;
  }

  /** Counts what is at work at this moment, and what was done since the server's start. */
  async note(server: Started): Promise<void> {
    const { journal, moves } = this.#options;
    const [status, standing] = await Promise.all([findStatus(server), moves.look(server)]);
    if (status === undefined) return;
    journal.note("amid: asked for");
    for (const name of ["compaction", "scrub", "sweep", "trash"] as const) {
      const state = status.workers.find((worker) => worker.name === name)?.state;
      if (state === "running" || state === "resting") journal.note(`amid: ${name}`);
    }
    const { done, scrub, state } = status.healing;
    if (state === "repairing" || state === "looking") journal.note("amid: repair");
    if (standing !== undefined && isMoving(standing)) journal.note("amid: a change of drives");
    journal.note("sets repaired", done.sets);
    journal.note("shards repaired", done.rebuiltShards);
    journal.note("sets scrubbed", scrub.lookedAtSets);
    journal.note("scrub passes", Math.max(scrub.passCount - this.#scrubPasses, 0));
    this.#scrubPasses = scrub.passCount;
  }

  /** A change of the drives comes to its end, and leaves nothing where things lay before. */
  async settle(server: Started): Promise<void> {
    const { journal, moves } = this.#options;
    const giveUpAt = performance.now() + SETTLE_MS_MAX;
    for (;;) {
      const standing = await moves.look(server);
      if (standing !== undefined && !isMoving(standing)) break;
      if (performance.now() > giveUpAt) {
        journal.violation(
          `a change of drives has no end: ${JSON.stringify(standing).slice(0, 1_500)}`,
        );
        return;
      }
      await sleep(SETTLE_POLL_MS);
    }
    await requireNoStrays(server, journal);
  }

  async #compact(server: Started): Promise<void> {
    await compactAll(server);
    this.#options.journal.note("compactions of all packs");
  }
}
