// Makes one set whole again: its noted shards are made anew, and looked at once more as they stand on their drives. The
// metadata hears of a shard only then, and only where it still says what it said before. Also what reads as whole is made
// anew: it may never have become durable, and reading does not tell.
//
// Invariants: no file of a shard goes but by a whole one that takes its place; a set whose shards do not fit together is left
// as it is, and reported. The set was listed under a reading that is still open: its shards stay until that is closed.

import type { ShardSetRecord } from "../../metadata/records.ts";
import { crashPoint } from "../../util/crash-point.ts";
import type { Limiter } from "../../util/limiter.ts";
import type { StoreContext } from "../store-context.ts";
import { checkShard, type CheckOptions } from "./check-shard.ts";
import type { Pace } from "./pace.ts";
import { rebuildShards, type RebuildResult } from "./rebuild-shards.ts";
import { RepairFault, wordsOf, type RepairFaultKind } from "./repair-fault.ts";
import { planSet } from "./set-plan.ts";
import { SetShards } from "./set-shards.ts";

export interface SetRepair {
  /** Shards that were made anew. */
  readonly rebuilt: readonly number[];
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
  /**
   * In whose turn the shards of a large set are made anew; without it, at once. Several at a time leave the processor's cache
   * too small. What comes before and after takes little, and one set is read back while another is written.
   */
  readonly turns?: Limiter | undefined;
}

/** Sets that are no larger wait for no turn. */
const SMALL_SET_BYTES = 4 * 1024 * 1024;

const FORSAKEN: RepairProblem = { kind: "waits", words: "a drive that was there went away" };

export async function repairSet(
  context: StoreContext,
  set: ShardSetRecord,
  { pace, signal, turns }: RepairSetOptions,
): Promise<SetRepair> {
  const shards = new SetShards(context, set);
  const targets = set.missing.filter((index) => shards.isReachable(index));
  const done: SetRepair = {
    rebuilt: [],
    left: set.missing,
    writtenBytes: 0,
    fault: undefined,
  };
  if (targets.length === 0) return done;
  try {
    const plan = await planSet(context, shards);
    const turnsOfSet = set.sizeBytes > SMALL_SET_BYTES ? turns : undefined;
    return await repair({ context, shards, plan, pace, signal, turns: turnsOfSet }, targets);
  } catch (error) {
    if (error instanceof RepairFault) {
      return { ...done, fault: { kind: error.kind, words: error.message } };
    }
    throw error;
  }
}

type RepairOptions = CheckOptions & Pick<RepairSetOptions, "turns">;

/** @throws RepairFault */
async function repair(options: RepairOptions, targets: readonly number[]): Promise<SetRepair> {
  const { context, shards } = options;
  const { set } = shards;
  crashPoint("repair.found");
  // Planning may have met drives that are away now.
  const reachable = targets.filter((index) => shards.isReachable(index));
  const outcome = await rebuild(options, reachable);
  if (outcome.rebuilt.length > 0) {
    await context.metadata.noteFound(set.id, { noted: set.missing, found: outcome.rebuilt });
    crashPoint("repair.noted");
  }
  const left = set.missing.filter((index) => !outcome.rebuilt.includes(index));
  // Its drive was there when this began: else it would be tried again at once, and for ever.
  const isForsaken = left.some((index) => targets.includes(index));
  const fault = outcome.fault ?? (isForsaken ? FORSAKEN : undefined);
  return { ...outcome, left, fault };
}

type Rebuilt = Pick<SetRepair, "fault" | "rebuilt" | "writtenBytes">;

async function rebuild(options: RepairOptions, indexes: readonly number[]): Promise<Rebuilt> {
  if (indexes.length === 0) return { rebuilt: [], writtenBytes: 0, fault: undefined };
  try {
    const make = (): Promise<RebuildResult> => rebuildShards(options, indexes);
    const { rebuilt, writtenBytes, refusal } = await (options.turns?.run(make) ?? make());
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
