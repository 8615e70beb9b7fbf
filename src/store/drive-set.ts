// All drives that the store knows, by id, and the layouts that place sets on them. A drive that a layout names but
// that was not given is absent: its shards count as missing until it is attached.

import type { DriveId, SetId } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { assert } from "../util/assert.ts";
import type { Drive } from "./drive.ts";
import { drivesOfSet } from "./placement.ts";

/** An answer of a drive is trusted for so long before a write that touches no drive asks again. */
const FRESH_MS = 250;
const HEDGE_MS_MAX = 2_000;
const HEDGE_FACTOR = 3;

export class DriveSet {
  readonly #drives = new Map<DriveId, Drive>();
  readonly #layouts = new Map<number, LayoutRecord>();
  readonly #open: (store: ShardStore) => Drive;
  #absentCount: number;

  constructor(layouts: readonly LayoutRecord[], open: (store: ShardStore) => Drive) {
    for (const layout of layouts) this.#layouts.set(layout.version, layout);
    this.#open = open;
    this.#absentCount = this.absent.length;
  }

  /** Adds a drive that a layout names. False, and nothing is done, when none does or it is there already. */
  attach(store: ShardStore): boolean {
    const isNamed = [...this.#layouts.values()].some(({ drives }) =>
      drives.includes(store.driveId),
    );
    if (!isNamed || this.#drives.has(store.driveId)) return false;
    this.#drives.set(store.driveId, this.#open(store));
    this.#absentCount = this.absent.length;
    return true;
  }

  get all(): readonly Drive[] {
    return [...this.#drives.values()];
  }

  get layouts(): readonly LayoutRecord[] {
    return [...this.#layouts.values()];
  }

  /** Undefined for one that is absent. */
  find(driveId: DriveId): Drive | undefined {
    return this.#drives.get(driveId);
  }

  /** Drives that layouts name and that were not given. */
  get absent(): readonly DriveId[] {
    const named = new Set([...this.#layouts.values()].flatMap(({ drives }) => drives));
    return [...named].filter((id) => !this.#drives.has(id));
  }

  /** Drives that take no writes now, absent ones included. */
  get awayCount(): number {
    return this.#absentCount + this.all.filter((drive) => drive.isAway).length;
  }

  /** The same, where others have not heard from some of them. */
  countAway(elsewhere: ReadonlySet<DriveId>): number {
    let count = this.#absentCount;
    for (const [driveId, drive] of this.#drives) {
      if (drive.isAway || elsewhere.has(driveId)) count += 1;
    }
    return count;
  }

  /** Whether `count` drives have more than their reserve left, as far as is known; of one that is away nothing bad is. */
  hasRoom(count: number): boolean {
    let left = this.#absentCount;
    for (const drive of this.#drives.values()) if (drive.isAway || !drive.isShort) left += 1;
    return left >= count;
  }

  /** The drives of a set's shards by index; undefined where one is absent. */
  locate(setId: SetId, layoutVersion: number, count: number): readonly (Drive | undefined)[] {
    const layout = this.#layouts.get(layoutVersion);
    assert(layout !== undefined, `layout ${layoutVersion} is known`);
    return drivesOfSet(layout, setId, count).map((id) => this.#drives.get(id));
  }

  /**
   * Whether at least `count` drives answer and take new shards. Resolves as soon as that is certain: a hung drive holds
   * nobody up.
   */
  confirmReachable(count: number): Promise<boolean> {
    if (this.#drives.size < count) return Promise.resolve(false);
    if (this.#freshCount() >= count) return Promise.resolve(true);
    const drives = this.all;
    return new Promise((resolve) => {
      let good = 0;
      let bad = 0;
      const judge = (isGood: boolean): void => {
        if (isGood) good += 1;
        else bad += 1;
        if (good >= count) resolve(true);
        else if (drives.length - bad < count) resolve(false);
      };
      for (const drive of drives) {
        void drive.confirm(FRESH_MS).then((isThere) => judge(isThere && !drive.isShort));
      }
    });
  }

  /** Drives that would be confirmed without being asked. */
  #freshCount(): number {
    let count = 0;
    for (const drive of this.#drives.values()) {
      if (!drive.isShort && drive.isFresh(FRESH_MS)) count += 1;
    }
    return count;
  }

  /** How long a read may take before another shard is asked too: three times what the middle drive usually needs. */
  hedgeMs(leastMs: number): number {
    const usual = this.all.map((drive) => drive.latency.p95).toSorted((a, b) => a - b);
    const middle = usual[Math.floor(usual.length / 2)] ?? 0;
    return Math.min(Math.max(leastMs, HEDGE_FACTOR * middle), HEDGE_MS_MAX);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((drive) => drive.close()));
  }
}
