// Makes one set whole again: of its noted shards, those that are whole after all are only taken off the list; the others
// are made anew, and looked at once more as they stand on their drives. The metadata hears of a shard only then, and only
// where it still says what it said before.
//
// Invariants: no file of a shard goes but by a whole one that takes its place; a set whose shards do not fit together is left
// as it is, and reported. The set was listed under a reading that is still open: its shards stay until that is closed.

import type { ShardSetRecord } from "../../metadata/records.ts";
import { crashPoint } from "../../util/crash-point.ts";
import type { StoreContext } from "../store-context.ts";
import { checkShard, type CheckOptions } from "./check-shard.ts";
import type { Pace } from "./pace.ts";
import { rebuildShards } from "./rebuild-shards.ts";
import { RepairFault, wordsOf, type RepairFaultKind } from "./repair-fault.ts";
import { planSet } from "./set-plan.ts";
import { SetShards } from "./set-shards.ts";

export interface SetRepair {
  /** Shards that were made anew. */
  readonly rebuilt: readonly number[];
  /** Shards that were noted, and are whole. */
  readonly found: readonly number[];
  /** Noted shards whose drive is away, or failed now. */
  readonly left: readonly number[];
  readonly writtenBytes: number;
  /** What stands against the rest; undefined where there is none, or it only waits for its drive. */
  readonly fault: RepairProblem | undefined;
}

export interface RepairProblem {
  readonly kind: RepairFaultKind;
  readonly words: string;
}

export interface RepairSetOptions {
  readonly pace: Pace;
  readonly signal?: AbortSignal | undefined;
}

export async function repairSet(
  context: StoreContext,
  set: ShardSetRecord,
  { pace, signal }: RepairSetOptions,
): Promise<SetRepair> {
  const shards = new SetShards(context, set);
  const targets = set.missing.filter((index) => shards.isReachable(index));
  const done: SetRepair = {
    rebuilt: [],
    found: [],
    left: set.missing,
    writtenBytes: 0,
    fault: undefined,
  };
  if (targets.length === 0) return done;
  try {
    const plan = await planSet(context, shards);
    return await repair({ context, shards, plan, pace, signal }, targets);
  } catch (error) {
    if (error instanceof RepairFault) {
      return { ...done, fault: { kind: error.kind, words: error.message } };
    }
    throw error;
  }
}

/** @throws RepairFault */
async function repair(options: CheckOptions, targets: readonly number[]): Promise<SetRepair> {
  const { context, shards } = options;
  const { set } = shards;
  const found: number[] = [];
  const bad: number[] = [];
  for (const index of targets) {
    const state = await checkShard(options, index);
    if (state === "whole") found.push(index);
    else if (state !== "away") bad.push(index);
  }
  crashPoint("repair.found");
  // What was found is noted also where the rest cannot be made.
  const outcome = await rebuild(options, bad);
  const whole = [...found, ...outcome.rebuilt];
  if (whole.length > 0) {
    await context.metadata.noteFound(set.id, { noted: set.missing, found: whole });
    crashPoint("repair.noted");
  }
  const left = set.missing.filter((index) => !whole.includes(index));
  return { found, left, ...outcome };
}

type Rebuilt = Pick<SetRepair, "fault" | "rebuilt" | "writtenBytes">;

async function rebuild(options: CheckOptions, bad: readonly number[]): Promise<Rebuilt> {
  if (bad.length === 0) return { rebuilt: [], writtenBytes: 0, fault: undefined };
  try {
    const { rebuilt, writtenBytes, refusal } = await rebuildShards(options, bad);
    const good: number[] = [];
    for (const index of rebuilt) {
      if ((await checkShard(options, index)) === "whole") good.push(index);
    }
    const kept = rebuilt.length > good.length;
    const words = kept ? "a shard that was made anew does not read as it was written" : undefined;
    const problem = words ?? (refusal === undefined ? undefined : wordsOf(refusal));
    const fault = problem === undefined ? undefined : { kind: "refused" as const, words: problem };
    return { rebuilt: good, writtenBytes, fault };
  } catch (error) {
    if (!(error instanceof RepairFault)) throw error;
    return { rebuilt: [], writtenBytes: 0, fault: { kind: error.kind, words: error.message } };
  }
}
