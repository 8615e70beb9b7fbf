// Copies the shards of one set that another layout puts on other drives. A copy is made byte by byte, made durable and
// read back; where the shard cannot be had from its drive it is made anew from its siblings. Nothing is removed, and until
// the older layout is retired nobody reads the copies: the set lies where it lay.
//
// Invariant: a set counts as moved only when each shard is whole at its new place, or cannot be made whole anywhere.

import { ShardError } from "../../datanode/shard-store.ts";
import { shardCount } from "../../erasure/geometry.ts";
import type { SetId } from "../../core/ids.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import { crashPoint } from "../../util/crash-point.ts";
import { callDrive } from "../call-drive.ts";
import type { Drive } from "../drive.ts";
import { drivesOfSet } from "../placement.ts";
import { checkShard, type CheckOptions } from "../repair/check-shard.ts";
import { idBefore } from "../repair/id-before.ts";
import { NewShard } from "../repair/new-shard.ts";
import type { Pace } from "../repair/pace.ts";
import { rebuildShards } from "../repair/rebuild-shards.ts";
import { RepairFault, wordsOf } from "../repair/repair-fault.ts";
import { planSet, type SetPlan } from "../repair/set-plan.ts";
import { SetShards } from "../repair/set-shards.ts";
import type { StoreContext } from "../store-context.ts";

export interface MoveSetOptions {
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Whether a copy of the right size is taken for whole: it was read when it was made. */
  readonly trustsCopies: boolean;
}

export interface SetMove {
  /** Shards that were copied or made anew now. */
  readonly movedShards: number;
  readonly writtenBytes: number;
  /** Why it is not moved yet; undefined when it is. */
  readonly problem: string | undefined;
}

const CHUNK_BYTES = 512 * 1024;
const MOVED: SetMove = { movedShards: 0, writtenBytes: 0, problem: undefined };

/** A shard that is to be elsewhere. */
interface Target {
  readonly index: number;
  readonly from: Drive | undefined;
  readonly to: Drive | undefined;
}

/** Whether a set lies elsewhere by the newest layout than it does now. */
export function isToMove({ drives }: Pick<StoreContext, "drives">, set: ShardSetRecord): boolean {
  return targetsOf(drives, set).length > 0;
}

/** A set that is gone is moved. */
export async function moveSet(
  context: StoreContext,
  setId: SetId,
  options: MoveSetOptions,
): Promise<SetMove> {
  // Begun before it is looked up: what is there then stays until it is over.
  const hold = context.readings.begin();
  try {
    const [set] = await context.metadata.listSets(idBefore(setId), 1);
    if (set?.id !== setId) return MOVED;
    const targets = targetsOf(context.drives, set);
    const left: Target[] = [];
    for (const target of targets) {
      if (!options.trustsCopies || !(await hasCopy(context, set, target))) left.push(target);
    }
    return left.length === 0 ? MOVED : await new Move(context, set, options).run(left);
  } finally {
    hold.close();
  }
}

function targetsOf(drives: StoreContext["drives"], set: ShardSetRecord): readonly Target[] {
  const { newest } = drives;
  const count = shardCount(set);
  const from = drives.locate(set.id, set.layoutVersion, count);
  const to = drives.locate(set.id, newest.version, count);
  const before = drives.layoutOf(set.layoutVersion);
  const ids = drivesOfSet(before, set.id, count);
  const newIds = drivesOfSet(newest, set.id, count);
  return ids.flatMap((driveId, index) =>
    driveId === newIds[index] ? [] : [{ index, from: from[index], to: to[index] }],
  );
}

/** Whether both places have a file of the same size. Where the old one does not answer the copy is read: it may be half. */
async function hasCopy(
  context: StoreContext,
  set: ShardSetRecord,
  { from, index, to }: Target,
): Promise<boolean> {
  const [there, here] = await Promise.all([
    sizeOf(context, to, set.id, index),
    sizeOf(context, from, set.id, index),
  ]);
  return there !== undefined && here === there;
}

async function sizeOf(
  { limits }: StoreContext,
  drive: Drive | undefined,
  setId: SetId,
  index: number,
): Promise<number | undefined> {
  if (drive === undefined || drive.isAway) return undefined;
  try {
    const deadlineMs = limits.readDeadlineMs;
    return await callDrive(drive, drive.store.size({ setId, index }), { deadlineMs });
  } catch (error) {
    drive.noteError(error);
    return undefined;
  }
}

class Move {
  readonly #context: StoreContext;
  readonly #set: ShardSetRecord;
  readonly #options: MoveSetOptions;
  #movedShards = 0;
  #writtenBytes = 0;

  constructor(context: StoreContext, set: ShardSetRecord, options: MoveSetOptions) {
    this.#context = context;
    this.#set = set;
    this.#options = options;
  }

  async run(targets: readonly Target[]): Promise<SetMove> {
    let problem: string | undefined;
    try {
      const plan = await planSet(this.#context, new SetShards(this.#context, this.#set));
      for (const target of targets) problem = (await this.#move(target, plan)) ?? problem;
    } catch (error) {
      if (!(error instanceof RepairFault)) throw error;
      // It cannot be read as it is: what there is of it is taken along, for who may read some of it still.
      if (error.kind === "lost" || error.kind === "disagrees") {
        for (const target of targets) problem = (await this.#takeAlong(target)) ?? problem;
      } else problem = error.message;
    }
    return { movedShards: this.#movedShards, writtenBytes: this.#writtenBytes, problem };
  }

  /** Resolves to why it could not be moved. */
  async #move(target: Target, plan: SetPlan): Promise<string | undefined> {
    const { index, from, to } = target;
    if (this.#options.signal.aborted) return "it was ended";
    if (to === undefined || to.isAway) return "the drive that it is to be on is away";
    if (to.isShort) return `${to.store.label} has no room left but its reserve`;
    const options = this.#optionsAt(target, plan);
    if ((await checkShard(options, index)) === "whole") return undefined;
    const isNoted = this.#set.missing.includes(index);
    if (from !== undefined && !from.isAway && !isNoted) {
      const problem = await this.#copy(from, to, index);
      crashPoint("layout.copied");
      if (problem === undefined && (await checkShard(options, index)) === "whole") {
        this.#movedShards += 1;
        return undefined;
      }
    }
    return this.#rebuild(target, plan);
  }

  /** As the set is, but that this shard lies at its new place. */
  #optionsAt({ index, to }: Target, plan: SetPlan): CheckOptions {
    const { pace, signal } = this.#options;
    const located = new SetShards(this.#context, this.#set).drives;
    const drives = located.map((drive, each) => (each === index ? to : drive));
    // That it is not there is no news: as if it were noted, it is asked last, and nothing is told of it.
    const missing = [...new Set([...this.#set.missing, index])];
    const shards = new SetShards(this.#context, { ...this.#set, missing }, drives);
    return { context: this.#context, shards, plan, pace, signal };
  }

  async #rebuild(target: Target, plan: SetPlan): Promise<string | undefined> {
    const { index } = target;
    const options = this.#optionsAt(target, plan);
    try {
      const { rebuilt, writtenBytes, refusal } = await rebuildShards(options, [index]);
      this.#writtenBytes += writtenBytes;
      if (refusal !== undefined) return wordsOf(refusal);
      const isWhole =
        rebuilt.includes(index) &&
        (await checkShard(this.#optionsAt(target, plan), index)) === "whole";
      if (!isWhole) return "a shard that was made anew does not read as it was written";
      this.#movedShards += 1;
      return undefined;
    } catch (error) {
      if (!(error instanceof RepairFault)) throw error;
      const isLost = error.kind === "lost" || error.kind === "disagrees";
      return isLost ? this.#takeAlong(target) : error.message;
    }
  }

  /** A shard as it stands, whatever it is worth; one that is not there is noted, for repair. */
  async #takeAlong({ from, index, to }: Target): Promise<string | undefined> {
    if (from === undefined || from.isAway) return "the drive that it is on is away";
    if (to === undefined || to.isAway) return "the drive that it is to be on is away";
    const problem = await this.#copy(from, to, index);
    // No checksum can tell here, and what is not as the original would take its place.
    if (problem === undefined) return this.#compare(from, to, index);
    if (problem !== "absent") return problem;
    await this.#context.metadata.noteMissing(this.#set.id, [index]);
    return undefined;
  }

  /** Resolves to why there is no copy. */
  async #copy(from: Drive, to: Drive, index: number): Promise<string | undefined> {
    const { limits } = this.#context;
    const name = { setId: this.#set.id, index };
    const shard = new NewShard(name, to, limits.writeDeadlineMs);
    try {
      const sizeBytes = await this.#bounded(from, from.store.size(name));
      await shard.open();
      for (let at = 0; at < sizeBytes && shard.isGood; at += CHUNK_BYTES) {
        if (this.#options.signal.aborted) return "it was ended";
        // A new one each time: the one before is still being written.
        const part = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, sizeBytes - at));
        await this.#bounded(from, from.store.read(name, at, part));
        await shard.put(part);
        await this.#options.pace(part.length);
      }
      await shard.finish();
      if (!shard.isGood) return wordsOf(shard.error);
      this.#writtenBytes += shard.writtenBytes;
      return undefined;
    } catch (error) {
      if (!(error instanceof ShardError)) throw error;
      from.noteError(error);
      return error.code === "NotFound" ? "absent" : error.message;
    } finally {
      await shard.abort();
    }
  }

  /** Resolves to why the copy is none. */
  async #compare(from: Drive, to: Drive, index: number): Promise<string | undefined> {
    const name = { setId: this.#set.id, index };
    const drives = [from, to];
    try {
      const sizeBytes = await this.#bounded(from, from.store.size(name));
      for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
        if (this.#options.signal.aborted) return "it was ended";
        const parts = drives.map(() =>
          Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, sizeBytes - at)),
        );
        const reads = parts.map((part, each) => {
          const drive = drives[each] ?? from;
          return this.#bounded(drive, drive.store.read(name, at, part));
        });
        await Promise.all(reads);
        const [original, copy] = parts;
        if (original === undefined || copy?.equals(original) !== true) {
          return "a copy does not read as its original";
        }
        await this.#options.pace(2 * original.length);
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof ShardError)) throw error;
      return error.message;
    }
  }

  #bounded<Value>(drive: Drive, work: Promise<Value>): Promise<Value> {
    return callDrive(drive, work, { deadlineMs: this.#context.limits.readDeadlineMs });
  }
}
