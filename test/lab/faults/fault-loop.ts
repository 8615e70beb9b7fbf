// The faults one after another, each trial with choices of its own: trial K depends on the seed and K alone, as far as the
// kernel's clock lets it.

import { seededRandom } from "../../../src/util/seeded-random.ts";
import { withEnds } from "../../support/at-end.ts";
import { within } from "../../support/until.ts";
import type { LoopOptions } from "../crash-loop.ts";
import { Journal } from "../world.ts";
import type { Trial } from "./fault-trial.ts";
import { FAULT_TRIALS, type FaultName } from "./fault-trials.ts";

/** What takes longer hangs, in milliseconds. */
const TRIAL_MS_MAX = 10 * 60_000;
const WORDS_MAX = 1_500;

const NAMES = Object.keys(FAULT_TRIALS) as readonly FaultName[];

export async function runFaults({
  seed,
  journal,
  shouldGoOn,
  from = 1,
  stride = 1,
}: LoopOptions): Promise<void> {
  for (let number = from; shouldGoOn(); number += stride) {
    const name = NAMES[(number - 1) % NAMES.length];
    if (name === undefined) return;
    journal.sequence = number;
    journal.cycle += 1;
    journal.note(`trial: ${name}`);
    const before = journal.violations.length;
    await tryWork(FAULT_TRIALS[name], seed * 100_003 + number, journal);
    if (journal.violations.length > before) journal.note(`violations of ${name}`);
  }
}

type Work = (trial: Trial) => Promise<void>;

/** What one trial finds, for tests. */
export async function findingsOf(work: Work, seed: number): Promise<readonly string[]> {
  const journal = new Journal(() => undefined);
  await tryWork(work, seed, journal);
  return journal.violations;
}

async function tryWork(work: Work, seed: number, journal: Journal): Promise<void> {
  const trial = { random: seededRandom(seed), journal };
  try {
    await withEnds(() => within(TRIAL_MS_MAX, "the trial", work(trial)));
  } catch (error) {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    journal.violation(words.slice(0, WORDS_MAX));
  }
}
