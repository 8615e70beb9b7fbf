// The shards of one set as repair reads them. A shard with a bad block is not given up: its other blocks may be what another
// stripe needs; it is only asked last. What is found rotten or gone is noted in the metadata.

import { ShardError } from "../../datanode/shard-store.ts";
import { shardCount } from "../../erasure/geometry.ts";
import { blockOffset } from "../../datanode/shard-format.ts";
import type { StripeRange } from "../../erasure/stripe.ts";
import type { ShardSetRecord } from "../../metadata/records.ts";
import type { Drive } from "../drive.ts";
import { callDrive } from "../call-drive.ts";
import type { SetRun } from "../set-run.ts";
import type { StoreContext } from "../store-context.ts";
import { ReadAhead } from "./read-ahead.ts";
import { ShardWindow } from "./shard-window.ts";

/** Bytes of a set that lie together in each of its shards. */
export type RepairRun = Pick<SetRun, "seed" | "set">;

/** Bytes, and where in a shard's file they stand. */
export interface PlacedBytes {
  readonly offset: number;
  readonly target: Uint8Array;
}

/** What is larger is worth a call of its own. */
const SMALL_BYTES_MAX = 128 * 1024;

export class SetShards {
  readonly set: ShardSetRecord;
  readonly drives: readonly (Drive | undefined)[];
  readonly #context: StoreContext;
  /** Asked last: noted as missing, or with a bad block somewhere. */
  readonly #doubtful: Set<number>;
  readonly #gone = new Set<number>();
  readonly #away = new Set<number>();
  readonly #noted: Set<number>;
  /** Of shards that are read in small pieces, by their numbers. */
  readonly #aheads = new Map<number, ReadAhead>();

  /** `drives`: where its shards are read, and made anew; those of its layout, where nothing is given. */
  constructor(
    context: StoreContext,
    set: ShardSetRecord,
    drives = context.drives.locate(set.id, set.layoutVersion, shardCount(set)),
  ) {
    this.#context = context;
    this.set = set;
    this.drives = drives;
    this.#doubtful = new Set(set.missing);
    this.#noted = new Set(set.missing);
    for (const [index, drive] of this.drives.entries()) {
      if (drive === undefined || drive.isAway) this.#away.add(index);
    }
  }

  /** Whether a drive that may have a good shard of it did not answer. */
  get hasAway(): boolean {
    return [...this.#away].some((index) => !this.set.missing.includes(index));
  }

  isReachable(index: number): boolean {
    return !this.#away.has(index);
  }

  /** Judges an error of a shard. */
  note(index: number, error: unknown): void {
    const isLost = error instanceof ShardError && ["Corrupt", "NotFound"].includes(error.code);
    if (!isLost) {
      this.#away.add(index);
      return;
    }
    if (error.code === "NotFound") this.#gone.add(index);
    this.#doubtful.add(index);
    if (this.#noted.has(index)) return;
    this.#noted.add(index);
    const fields = { err: error, setId: this.set.id, shard: index };
    this.#context.logger.warn(fields, "a shard is lost");
    this.#context.lostShards.note(this.set.id, index);
  }

  /**
   * A window of stripes with the blocks of k shards; undefined when so many cannot be had. It is to be released. Hedging is
   * of no use here: nobody waits. `how`: "unchecked", where the caller looks at the blocks, and asks for checked ones when one
   * is not what was written.
   */
  async gather(
    run: RepairRun,
    stripes: StripeRange,
    how: "checked" | "unchecked",
  ): Promise<ShardWindow | undefined> {
    const owners = Array.from({ length: shardCount(run.set) }, (_, index) => index);
    const failed = new Set<number>();
    for (;;) {
      const areas = { owners, scratchCount: run.set.parityShards };
      const window = new ShardWindow(this.#context, run, stripes, areas);
      await this.#fill(window, failed, how);
      const isEnough = window.present.size >= run.set.dataShards;
      if (isEnough && window.isSafe) return window;
      window.release();
      if (!isEnough) return undefined;
      // A call that was given up may still write into it: what did not answer is not asked again.
    }
  }

  /** The blocks of one shard; undefined when they are not there, or not what was written. To be released. */
  async read(
    run: RepairRun,
    index: number,
    stripes: StripeRange,
  ): Promise<ShardWindow | undefined> {
    const areas = { owners: [index], scratchCount: 0 };
    const window = new ShardWindow(this.#context, run, stripes, areas);
    if (await this.#readInto(window, index, "checked")) return window;
    window.release();
    return undefined;
  }

  /** Any bytes of a shard, as they stand there. @throws ShardError */
  readBytes(index: number, drive: Drive, { offset, target }: PlacedBytes): Promise<void> {
    const name = { setId: this.set.id, index };
    const reading =
      target.length > SMALL_BYTES_MAX
        ? drive.store.read(name, offset, target)
        : this.#readAhead(index, drive).read(offset, target);
    return callDrive(drive, reading, { deadlineMs: this.#context.limits.readDeadlineMs });
  }

  /** What is read of a shard from now on is read from its file as it stands then. */
  forget(index: number): void {
    this.#aheads.get(index)?.forget();
    this.drives[index]?.store.forget?.({ setId: this.set.id, index });
  }

  async #fill(
    window: ShardWindow,
    failed: Set<number>,
    how: "checked" | "unchecked",
  ): Promise<void> {
    const { present, run } = window;
    for (;;) {
      const wanted = this.#candidates()
        .filter((index) => !present.has(index) && !failed.has(index))
        .slice(0, run.set.dataShards - present.size);
      if (wanted.length === 0) return;
      await Promise.all(
        wanted.map(async (index) => {
          if (!(await this.#readInto(window, index, how))) failed.add(index);
        }),
      );
    }
  }

  /** Reads and checks; wrong bytes are read once more from a file that is opened anew. Never rejects. */
  async #readInto(
    window: ShardWindow,
    index: number,
    how: "checked" | "unchecked",
  ): Promise<boolean> {
    const drive = this.drives[index];
    if (drive === undefined) return false;
    try {
      await this.#readOnce(window, index, drive);
      let wrong = how === "checked" ? window.firstWrong(index) : undefined;
      if (wrong !== undefined) {
        // What was open may be the file before the one that stands there now.
        this.forget(index);
        await this.#readOnce(window, index, drive);
        wrong = window.firstWrong(index);
      }
      if (wrong !== undefined) {
        const words = `block ${wrong} of shard ${index} on ${drive.store.label}`;
        throw new ShardError("Corrupt", words);
      }
    } catch (error) {
      if (!isAnswer(error)) window.noteUnsafe();
      drive.noteError(error);
      this.note(index, error);
      return false;
    }
    window.present.add(index);
    drive.noteGood();
    return true;
  }

  async #readOnce(window: ShardWindow, index: number, drive: Drive): Promise<void> {
    const { clock } = this.#context;
    const { set } = window.run;
    const offset = blockOffset(set.headerBytes, set.unitBytes, window.stripes.first);
    const startedAt = clock.monotonic();
    await this.readBytes(index, drive, { offset, target: window.blocks(index) });
    drive.latency.add(clock.monotonic() - startedAt);
  }

  #readAhead(index: number, drive: Drive): ReadAhead {
    const known = this.#aheads.get(index);
    if (known !== undefined) return known;
    const ahead = new ReadAhead(drive.store, { setId: this.set.id, index });
    this.#aheads.set(index, ahead);
    return ahead;
  }

  #candidates(): readonly number[] {
    const there = this.drives.flatMap((drive, index) =>
      drive === undefined || this.#away.has(index) || this.#gone.has(index) ? [] : [index],
    );
    const isDoubtful = (index: number): boolean => this.#doubtful.has(index);
    return [...there.filter((index) => !isDoubtful(index)), ...there.filter(isDoubtful)];
  }
}

/** Any other error may be a deadline, behind which the kernel goes on with the call. */
function isAnswer(error: unknown): boolean {
  return error instanceof ShardError && ["Corrupt", "NotFound"].includes(error.code);
}
