// Counts of one pass of the sweep.

import type { SetId } from "../core/ids.ts";
import type { SweepReport } from "./sweep-report.ts";

const EXAMPLES_MAX = 10;

export class SweepTally {
  shardsSeen = 0;
  orphanSets = 0;
  removedShards = 0;
  waitingShards = 0;
  ownSets = 0;
  /** Of other processes that have not ended. */
  livingSets = 0;
  readonly skippedDrives = new Set<string>();
  readonly #unknownExamples: SetId[] = [];
  #unknownSets = 0;

  noteUnknown(setId: SetId): void {
    this.#unknownSets += 1;
    if (this.#unknownExamples.length < EXAMPLES_MAX) this.#unknownExamples.push(setId);
  }

  report(end: Pick<SweepReport, "isComplete" | "refusal">): SweepReport {
    return {
      ...end,
      shardsSeen: this.shardsSeen,
      orphanSets: this.orphanSets,
      removedShards: this.removedShards,
      waitingShards: this.waitingShards,
      ownSets: this.ownSets,
      livingSets: this.livingSets,
      unknownSets: this.#unknownSets,
      unknownExamples: this.#unknownExamples,
      skippedDrives: [...this.skippedDrives].toSorted(),
    };
  }
}
