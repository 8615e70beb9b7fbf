// Gathers one window of a set: the blocks of the data shards that a range needs, or, when one of them is bad, missing or
// late, whole stripes from any k shards, to be decoded. A good read asks nothing but the data shards of its range.
// Invariant: every buffer that was read is either handed over in the result or released, however late it arrives.

import { sliceStripe, stripeAt, type ByteRange, type StripeRange } from "../erasure/stripe.ts";
import { readShardBlocks, type ShardBlocks } from "./shard-blocks.ts";
import type { SetReading } from "./set-reading.ts";

export interface WindowPlan {
  readonly reading: SetReading;
  /** At most a window of stripes. */
  readonly stripes: StripeRange;
  /** Where the stripes end that are likely to be read next; that of `stripes` where none are. */
  readonly aheadEnd: number;
  /** Within those stripes, in bytes of the set. */
  readonly range: ByteRange;
}

/** Where memory is scarce a shard is late no sooner. */
const HEDGE_MS_TIGHT = 1_000;

/** Verified blocks by shard: enough to deliver the range, with or without decoding. */
export type GatheredBlocks = ReadonlyMap<number, ShardBlocks>;

/** @throws S3Error ServiceUnavailable, InternalError when fewer than k shards are good. */
export function gatherWindow(plan: WindowPlan): Promise<GatheredBlocks> {
  return new WindowGather(plan).run();
}

interface Flight {
  readonly stripes: StripeRange;
  /** Reads that the drive had answered when it began. */
  readonly readCountBefore: number;
  isLate: boolean;
}

class WindowGather {
  readonly #plan: WindowPlan;
  /** What the range needs of each data shard. */
  readonly #needed: ReadonlyMap<number, StripeRange>;
  readonly #blocks = new Map<number, ShardBlocks>();
  readonly #flights = new Map<number, Flight>();
  #decodes = false;
  /** Whether what it begins with is under way. */
  #isBegun = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #resolve: (blocks: GatheredBlocks) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(plan: WindowPlan) {
    this.#plan = plan;
    this.#needed = neededBlocks(plan);
  }

  run(): Promise<GatheredBlocks> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const { reading } = this.#plan;
      if ([...this.#needed.keys()].every((index) => reading.isPromising(index))) {
        for (const [index, stripes] of this.#needed) this.#read(index, stripes);
      } else {
        this.#decodes = true;
      }
      this.#advance();
      this.#isBegun = true;
    });
  }

  #read(index: number, stripes: StripeRange): void {
    const { reading } = this.#plan;
    const drive = reading.drive(index);
    if (drive === undefined) return;
    const flight: Flight = { stripes, readCountBefore: drive.readCount, isLate: false };
    this.#flights.set(index, flight);
    const { context, set } = reading;
    const seed = reading.seed(index);
    const wanted = { set, drive, index, seed, stripes, aheadEnd: this.#aheadEnd(stripes) };
    readShardBlocks(context, wanted).then(
      (blocks) => this.#arrived(index, flight, blocks),
      (error: unknown) => this.#failed(index, flight, error),
    );
    this.#armHedge();
  }

  /** The next windows go on with the shards that this one begins with, where it wants them to its end. */
  #aheadEnd({ end }: StripeRange): number {
    const { stripes, aheadEnd } = this.#plan;
    return !this.#isBegun && end === stripes.end ? aheadEnd : end;
  }

  #arrived(index: number, flight: Flight, blocks: ShardBlocks): void {
    if (!this.#isOver) this.#land(index, flight);
    // A shard that was first read for a part of the window may arrive a second time, whole.
    const known = this.#blocks.get(index);
    if (this.#isOver || known?.covers(blocks.stripes) === true) {
      blocks.release();
    } else {
      known?.release();
      this.#blocks.set(index, blocks);
    }
    if (!this.#isOver) this.#advance();
  }

  #failed(index: number, flight: Flight, error: unknown): void {
    this.#plan.reading.noteBad(index, error);
    if (this.#isOver) return;
    this.#land(index, flight);
    this.#decodes = true;
    this.#advance();
  }

  #land(index: number, flight: Flight): void {
    if (this.#flights.get(index) === flight) this.#flights.delete(index);
  }

  /** Ends the gathering when there is enough, and else makes sure that enough is under way. */
  #advance(): void {
    if (this.#hasAllNeeded() || this.#wholeCount() >= this.#dataShards) {
      this.#end();
      this.#resolve(this.#blocks);
      return;
    }
    if (this.#decodes) this.#launchMore();
    if (this.#flights.size > 0) return;
    this.#end();
    for (const blocks of this.#blocks.values()) blocks.release();
    this.#reject(this.#plan.reading.failure());
  }

  #launchMore(): void {
    const { reading, stripes } = this.#plan;
    let coming = this.#wholeCount();
    for (const flight of this.#flights.values()) {
      if (!flight.isLate && covers(flight.stripes, stripes)) coming += 1;
    }
    for (const index of reading.candidates()) {
      if (coming >= this.#dataShards) return;
      if (this.#isWhole(index) || this.#isComingWhole(index)) continue;
      // What is late is not asked for more: where nobody else can be asked, it is waited for.
      if (this.#flights.get(index)?.isLate === true) continue;
      this.#read(index, stripes);
      coming += 1;
    }
  }

  #isComingWhole(index: number): boolean {
    const flight = this.#flights.get(index);
    return flight !== undefined && covers(flight.stripes, this.#plan.stripes);
  }

  #isWhole(index: number): boolean {
    return this.#blocks.get(index)?.covers(this.#plan.stripes) ?? false;
  }

  #wholeCount(): number {
    let count = 0;
    for (const index of this.#blocks.keys()) if (this.#isWhole(index)) count += 1;
    return count;
  }

  #hasAllNeeded(): boolean {
    for (const [index, stripes] of this.#needed) {
      if (!this.#blocks.get(index)?.covers(stripes)) return false;
    }
    return true;
  }

  /** Once the usual time has passed, what is still under way is late, and others are asked for it. */
  #armHedge(): void {
    this.#timer ??= setTimeout(() => {
      // What has come while this process was busy is looked at first.
      setImmediate(() => this.#hedge());
    }, this.#hedgeMs());
  }

  #hedge(): void {
    if (this.#isOver) return;
    this.#timer = undefined;
    if (this.#restCount() < this.#dataShards) {
      // The others cannot do without those that are late, and it is not one drive that is slow.
      this.#armHedge();
      return;
    }
    for (const [index, flight] of this.#flights) {
      if (flight.isLate) continue;
      flight.isLate = true;
      this.#plan.reading.noteLate(index, flight.readCountBefore);
    }
    this.#decodes = true;
    this.#advance();
  }

  /** Shards that are not under way: here already, or to be asked. */
  #restCount(): number {
    return this.#plan.reading.candidates().filter((index) => !this.#flights.has(index)).length;
  }

  /** Asking others costs several times as much: where many wait it would make all of them later still. */
  #hedgeMs(): number {
    const { drives, limits, pools } = this.#plan.reading.context;
    return drives.hedgeMs(pools.isTight ? HEDGE_MS_TIGHT : limits.hedgeMsMin);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  get #dataShards(): number {
    return this.#plan.reading.set.dataShards;
  }
}

function covers(outer: StripeRange, inner: StripeRange): boolean {
  return outer.first <= inner.first && inner.end <= outer.end;
}

/** The stripes in which the range touches each data shard: always consecutive, as the range is. */
function neededBlocks({ reading, stripes, range }: WindowPlan): ReadonlyMap<number, StripeRange> {
  const needed = new Map<number, StripeRange>();
  const { set } = reading;
  for (let index = stripes.first; index < stripes.end; index += 1) {
    for (const { shard } of sliceStripe(stripeAt(set, set.sizeBytes, index), range)) {
      needed.set(shard, { first: needed.get(shard)?.first ?? index, end: index + 1 });
    }
  }
  return needed;
}
