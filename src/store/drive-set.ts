// All drives that the store knows, by id, and the layouts that place sets on them. A drive that a layout names but
// that was not given is absent: its shards count as missing until it is attached.
// Sets name the layout that they were written by; where another has taken its place they lie where that one says. While
// drives come or go there are two at a time: sets of the older lie where they lay until all of them are copied.

import { createHash } from "node:crypto";
import type { DriveId, SetId } from "../core/ids.ts";
import type { ShardName, ShardStore } from "../datanode/shard-store.ts";
import type { LayoutRecord } from "../metadata/records.ts";
import { assert } from "../util/assert.ts";
import type { Drive } from "./drive.ts";
import { resolveLayouts } from "./layout/resolve-layouts.ts";
import { drivesOfSet, partitionOf } from "./placement.ts";

/** An answer of a drive is trusted for so long before a write that touches no drive asks again. */
const FRESH_MS = 250;
const HEDGE_MS_MAX = 2_000;
const HEDGE_FACTOR = 3;
/** Of no drive. */
const NO_DRIVE = "" as DriveId;

export class DriveSet {
  readonly #drives = new Map<DriveId, Drive>();
  readonly #open: (store: ShardStore) => Drive;
  /** By version: where its sets lie now. */
  #layouts: ReadonlyMap<number, LayoutRecord> = new Map();
  #live: readonly LayoutRecord[] = [];
  /** In force once since this process began. Sets of before lie there no more, or are orphans of a process that ended. */
  #past: readonly LayoutRecord[] = [];
  #written: LayoutRecord;
  /** Drives of the layout that is written by, and that are there. */
  #taking: readonly Drive[] = [];
  #absentCount = 0;
  #placesStamp = "";

  /** All layouts that there ever were, by version. */
  constructor(layouts: readonly LayoutRecord[], open: (store: ShardStore) => Drive) {
    this.#open = open;
    this.#written = this.#learn(layouts);
    this.#noteDrives();
  }

  /** What the metadata says of layouts has changed. */
  update(layouts: readonly LayoutRecord[]): void {
    this.#written = this.#learn(layouts);
    this.#noteDrives();
  }

  /** Adds a drive that a layout names. False, and nothing is done, when none does or it is there already. */
  attach(store: ShardStore): boolean {
    const isNamed = this.#live.some(({ drives }) => drives.includes(store.driveId));
    if (!isNamed || this.#drives.has(store.driveId)) return false;
    this.#drives.set(store.driveId, this.#open(store));
    this.#noteDrives();
    return true;
  }

  /** Another folder stands for a drive that is known. False, and nothing is done, when none is of that id. */
  async swap(store: ShardStore): Promise<boolean> {
    const before = this.#drives.get(store.driveId);
    if (before === undefined) return this.attach(store);
    this.#drives.set(store.driveId, this.#open(store));
    this.#noteDrives();
    await before.close();
    return true;
  }

  /** Gives up a drive that is not where it was, and cannot be had from where it is: until it is attached it is absent. */
  async drop(driveId: DriveId): Promise<void> {
    const drive = this.#drives.get(driveId);
    this.#drives.delete(driveId);
    this.#noteDrives();
    await drive?.close();
  }

  /** Gives up drives that no layout in force names; readings of before may still hold them. */
  async detachUnnamed(isGone: (driveId: DriveId) => boolean): Promise<void> {
    const named = new Set(this.#live.flatMap(({ drives }) => drives));
    const unnamed = [...this.#drives].filter(([driveId]) => !named.has(driveId) && isGone(driveId));
    for (const [driveId] of unnamed) this.#drives.delete(driveId);
    this.#noteDrives();
    await Promise.all(unnamed.map(([, drive]) => drive.close()));
  }

  get all(): readonly Drive[] {
    return [...this.#drives.values()];
  }

  /** Those in force, the oldest first. */
  get layouts(): readonly LayoutRecord[] {
    return this.#live;
  }

  /** What new sets are written by. */
  get written(): LayoutRecord {
    return this.#written;
  }

  /** What sets will lie by once all that is under way is done. */
  get newest(): LayoutRecord {
    return this.#live.at(-1) ?? this.#written;
  }

  /** Changes with all that is known of layouts, and of where drives are: processes that say the same know the same. */
  get stamp(): string {
    return `${this.newest.version}.${this.#written.version}.${this.#live.length}${this.#placesStamp}`;
  }

  /** No drive is used at another place than these: where each is, by id. Not called: of places nothing is known. */
  notePlaces(places: ReadonlyMap<DriveId, string>): void {
    const lines = [...places].map((place) => place.join(" ")).toSorted();
    this.#placesStamp = `.${createHash("sha256").update(lines.join("\n")).digest("hex")}`;
  }

  /** Where sets of that version lie now. */
  layoutOf(version: number): LayoutRecord {
    const layout = this.#layouts.get(version);
    assert(layout !== undefined, `layout ${version} is known`);
    return layout;
  }

  /** Whether a layout in force puts that shard on that drive. Which set of it may be there is not looked at. */
  isPlaceOf(driveId: DriveId, { setId, index }: ShardName): boolean {
    return this.#live.some((layout) => placeIn(layout, { setId, index }) === driveId);
  }

  /** Undefined for one that is absent. */
  find(driveId: DriveId): Drive | undefined {
    return this.#drives.get(driveId);
  }

  /** Drives that layouts in force name and that were not given. */
  get absent(): readonly DriveId[] {
    const named = new Set(this.#live.flatMap(({ drives }) => drives));
    return [...named].filter((id) => !this.#drives.has(id));
  }

  /** Drives that new sets should lie on and that take no writes now, absent ones included. */
  get awayCount(): number {
    let count = this.#absentCount;
    for (const drive of this.#taking) if (drive.isAway) count += 1;
    return count;
  }

  /** The same, where others have not heard from some of them. */
  countAway(elsewhere: ReadonlySet<DriveId>): number {
    let count = this.#absentCount;
    for (const drive of this.#taking) {
      if (drive.isAway || elsewhere.has(drive.store.driveId)) count += 1;
    }
    return count;
  }

  /** Why a set that is written now would lack a shard; undefined where it would not. */
  get lack(): string | undefined {
    if (this.awayCount > 0) return "a drive is away";
    const short = this.#taking.find(({ isShort }) => isShort);
    return short && `${short.store.label} is full up to its reserve`;
  }

  /** Whether `count` drives have more than their reserve left, as far as is known; of one that is away nothing bad is. */
  hasRoom(count: number): boolean {
    let left = this.#absentCount;
    for (const drive of this.#taking) if (drive.isAway || !drive.isShort) left += 1;
    return left >= count;
  }

  /** The drives of a set's shards by index; undefined where one is absent. */
  locate(setId: SetId, layoutVersion: number, count: number): readonly (Drive | undefined)[] {
    const ids = drivesOfSet(this.layoutOf(layoutVersion), setId, count);
    return Array.from({ length: count }, (_, index) => this.#drives.get(ids[index] ?? NO_DRIVE));
  }

  /** The layout by which shards of a set that nobody names were written, as far as where they were found tells. */
  likelyLayout(
    setId: SetId,
    shards: readonly { readonly drive: Drive; readonly index: number }[],
  ): number {
    const fits = (layout: LayoutRecord): boolean =>
      shards.every(({ drive, index }) => placeIn(layout, { setId, index }) === drive.store.driveId);
    return (this.#live.findLast(fits) ?? this.newest).version;
  }

  /**
   * Every drive that may have a shard of that index: where it lies, where it is copied to, and where it lay before that and
   * an old copy may be left.
   */
  placesOf(
    { setId, index }: ShardName,
    layoutVersion: number,
    count: number,
  ): readonly (Drive | undefined)[] {
    const at = this.layoutOf(layoutVersion);
    const later = this.#live.filter(({ version }) => version >= at.version);
    const ids = later.flatMap((layout) => drivesOfSet(layout, setId, count)[index] ?? []);
    const left = this.#past
      .filter(({ version }) => version >= layoutVersion)
      .flatMap((layout) => placeIn(layout, { setId, index }) ?? [])
      // What is on a drive that was taken out is nobody's business any more.
      .filter((id) => this.#drives.has(id));
    return [...new Set([...ids, ...left])].map((id) => this.#drives.get(id));
  }

  /**
   * Whether at least `count` drives answer and take new shards. Resolves as soon as that is certain: a hung drive holds
   * nobody up.
   */
  confirmReachable(count: number): Promise<boolean> {
    const drives = this.#taking;
    if (drives.length < count) return Promise.resolve(false);
    if (this.#freshCount() >= count) return Promise.resolve(true);
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
    for (const drive of this.#taking) {
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

  #learn(layouts: readonly LayoutRecord[]): LayoutRecord {
    this.#layouts = resolveLayouts(layouts);
    const live = layouts.filter((layout) => this.#layouts.get(layout.version) === layout);
    const retired = this.#live.filter(({ version }) =>
      live.every((each) => each.version !== version),
    );
    this.#past = [...this.#past, ...retired];
    this.#live = live;
    const written = this.#live.findLast(({ isWritten }) => isWritten);
    assert(written !== undefined, "there is a layout that is written by");
    return written;
  }

  #noteDrives(): void {
    const { drives } = this.#written;
    this.#taking = drives.flatMap((driveId) => this.#drives.get(driveId) ?? []);
    this.#absentCount = drives.length - this.#taking.length;
  }
}

function placeIn({ drives, partitions }: LayoutRecord, name: ShardName): DriveId | undefined {
  return drives[partitions[partitionOf(name.setId)]?.[name.index] ?? -1];
}
