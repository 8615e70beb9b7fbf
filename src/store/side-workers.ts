// Several processes that serve one store on one machine: the lead, which also does the work in the background, and its
// sides. What the lead must know of a side: what it reads, so that no shard is removed under a reading, and when it is
// gone, so that what it wrote and nobody names may be swept.
//
// Invariants:
// - A side that reported at a time has no reading that began before the oldest of its report, and none that is not in the
//   report and began before that time. So the earlier of the two holds, however late the report arrives.
// - A side's incarnation is begun and ended by the lead: before the side is told of it, and after its process is gone.

import type { DriveId, Incarnation } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { fromMachineTime, toMachineTime } from "../util/machine-time.ts";
import { makeIncarnation } from "./set-ids.ts";
import type { StoreContext } from "./store-context.ts";
import type { StoreStatus } from "./store-status.ts";

/** What a side says of itself, every second or so. Times are those that the machine's processes share, in milliseconds. */
export interface SideReport {
  readonly madeAt: number;
  /** Undefined: it has no reading open. */
  readonly oldestReadingStartedAt: number | undefined;
  readonly openReadings: number;
  /** Shards of failed writes that wait for their drive to be removed. */
  readonly litter: number;
  /** Drives that do not answer it, absent ones included. */
  readonly awayDrives: readonly DriveId[];
  /** What it knows of layouts, and where it has its drives: the same for all that know the same. */
  readonly layoutStamp: string;
  /** No write that is under way uses an older one. */
  readonly oldestLayout: number;
}

/** What the lead knows of its sides. */
export interface SideWorkers {
  /**
   * A side has connected: called before it is told to open its store. Resolves to the incarnation that it writes as, which
   * is begun. @throws when the metadata takes no writes.
   */
  beginSide(name: string): Promise<Incarnation>;
  /** Of a side that has not been begun, or has ended, nothing is noted. */
  noteSide(name: string, report: SideReport): void;
  /** The side's process is gone, all its threads with it. Never rejects: an end that cannot be noted now is, later. */
  endSide(name: string): Promise<void>;
}

/** What a process says of its own store. */
export function reportOf(context: StoreContext): SideReport {
  const { clock, drives, litter, readings, writings } = context;
  // Before the readings are looked at.
  const madeAt = toMachineTime(clock, clock.monotonic());
  const oldest = readings.oldestStartedAt;
  const away = drives.all.filter(({ isAway }) => isAway).map(({ store }) => store.driveId);
  return {
    madeAt,
    oldestReadingStartedAt: oldest === undefined ? undefined : toMachineTime(clock, oldest),
    openReadings: readings.count,
    litter: litter.count,
    awayDrives: [...away, ...drives.absent],
    layoutStamp: drives.stamp,
    oldestLayout: writings.oldestLayout,
  };
}

interface Side {
  readonly incarnation: Incarnation;
  report: SideReport | undefined;
}

type SidesContext = Pick<StoreContext, "clock" | "logger" | "metadata" | "readings">;

export class Sides implements SideWorkers {
  readonly #context: SidesContext;
  readonly #sides = new Map<string, Side>();
  /** Of which the metadata could not be told that they have ended. */
  readonly #ended = new Set<Incarnation>();

  constructor(context: SidesContext) {
    this.#context = context;
  }

  async beginSide(name: string): Promise<Incarnation> {
    assert(!this.#sides.has(name), `there is no side ${name} yet`);
    const { clock, metadata, readings } = this.#context;
    const side: Side = { incarnation: makeIncarnation(), report: undefined };
    this.#sides.set(name, side);
    // It cannot have begun to read before.
    readings.noteElsewhere(name, clock.monotonic());
    try {
      await metadata.beginIncarnation({ incarnation: side.incarnation, startedAt: clock.now() });
    } catch (error) {
      await this.endSide(name);
      throw error;
    }
    return side.incarnation;
  }

  noteSide(name: string, report: SideReport): void {
    const side = this.#sides.get(name);
    if (side === undefined) return;
    side.report = report;
    const { clock, readings } = this.#context;
    const { madeAt, oldestReadingStartedAt = madeAt } = report;
    readings.noteElsewhere(name, fromMachineTime(clock, Math.min(madeAt, oldestReadingStartedAt)));
  }

  async endSide(name: string): Promise<void> {
    const side = this.#sides.get(name);
    if (side === undefined) return;
    this.#sides.delete(name);
    this.#context.readings.forgetElsewhere(name);
    this.#ended.add(side.incarnation);
    await this.tellEnded();
  }

  /** Ends in the metadata what could not be ended before. Never rejects. */
  async tellEnded(): Promise<void> {
    const { clock, logger, metadata } = this.#context;
    for (const incarnation of this.#ended) {
      try {
        await metadata.endIncarnation(incarnation, clock.now());
        this.#ended.delete(incarnation);
      } catch (err) {
        logger.warn({ err, incarnation }, "the metadata could not be told of the end of a process");
      }
    }
  }

  get openReadings(): number {
    return this.#sum(({ openReadings }) => openReadings);
  }

  get litter(): number {
    return this.#sum(({ litter }) => litter);
  }

  /** Whether each has said, of late, that it knows just this of layouts. */
  doKnow(layoutStamp: string): boolean {
    return [...this.#sides.values()].every(({ report }) => report?.layoutStamp === layoutStamp);
  }

  /**
   * No write of any of them uses an older layout; of one that has said nothing yet anything is thought, and of one that is
   * gone until the metadata takes nothing from it any more.
   */
  get oldestLayout(): number {
    if (this.#ended.size > 0) return 0;
    const known = [...this.#sides.values()].map(({ report }) => report?.oldestLayout ?? 0);
    return Math.min(Infinity, ...known);
  }

  /** Drives that do not answer one of them. */
  get awayDrives(): ReadonlySet<DriveId> {
    return new Set([...this.#sides.values()].flatMap(({ report }) => report?.awayDrives ?? []));
  }

  /** The status of a store with what its sides say. */
  addTo(status: StoreStatus): StoreStatus {
    if (this.#sides.size === 0) return status;
    const away = this.awayDrives;
    return {
      ...status,
      drives: status.drives.map((drive) =>
        drive.state !== "absent" && away.has(drive.driveId) ? { ...drive, state: "away" } : drive,
      ),
      openReadings: status.openReadings + this.openReadings,
      litter: status.litter + this.litter,
    };
  }

  #sum(count: (report: SideReport) => number): number {
    let sum = 0;
    for (const { report } of this.#sides.values()) sum += report === undefined ? 0 : count(report);
    return sum;
  }
}
