// Streams the bytes of an object, which may lie in several sets (the parts of an upload) or inline, as windows: while
// one is with the client, the next is read. Of a client that does not take them, and where memory is scarce, windows
// shrink to a unit and nothing is read ahead, so that memory grows by one unit a client and no more.

import { S3Error } from "../core/s3-error.ts";
import { locateRange, stripeAt, type ByteRange } from "../erasure/stripe.ts";
import { stripeBytes } from "../erasure/geometry.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import type { ByteWindow, ByteWindows } from "./byte-window.ts";
import { deliverWindow } from "./deliver-window.ts";
import type { ChunkOpener } from "./encryption/chunk-opener.ts";
import { openWindow } from "./encryption/open-window.ts";
import type { OpenReading } from "./read-tracker.ts";
import { ReadingPace, type WindowSize } from "./reading-pace.ts";
import { SetReading } from "./set-reading.ts";
import type { SetRun } from "./set-run.ts";
import { STRIPES_PER_WINDOW, type StoreContext } from "./store-context.ts";
import { gatherWindow, type WindowPlan } from "./window-gather.ts";

/** A piece of what is read: bytes in memory, or a range of a run of shards. */
export type Segment =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | {
      readonly kind: "set";
      readonly run: SetRun;
      readonly range: ByteRange;
      /** Of sealed bytes: opens those of the range. */
      readonly opener?: ChunkOpener | undefined;
    };

interface PlannedWindow extends WindowPlan {
  /** Of a reading that is over soon. */
  readonly isSmall: boolean;
}

type SetSegment = Extract<Segment, { readonly kind: "set" }>;
type NextWindow = IteratorResult<ByteWindow, void>;

const SMALL_BYTES_MAX = 1024 * 1024;
const OVER: NextWindow = { done: true, value: undefined };
const nothing = (): void => undefined;

/**
 * The windows of segments in order; `hold` is closed at their end, however it comes, and also when nobody ever asks for
 * the first one but ends the iteration.
 * @throws S3Error ServiceUnavailable, InternalError from the iteration when fewer than k shards are good.
 */
export function readSegments(
  context: StoreContext,
  segments: AsyncIterable<Segment> | readonly Segment[],
  hold: OpenReading,
): SegmentWindows {
  return new SegmentWindows(context, segments, hold);
}

/** Asked for one window at a time. A class and no generator: most objects are one window, and generators cost as much. */
export class SegmentWindows implements ByteWindows, AsyncIterator<ByteWindow, void> {
  readonly #context: StoreContext;
  readonly #hold: OpenReading;
  readonly #pace: ReadingPace;
  /** Segments that are there already: nothing waits for them. */
  readonly #known: readonly Segment[];
  #knownCount = 0;
  readonly #later: AsyncIterator<Segment, unknown> | undefined;
  #run: RunWindows | undefined;
  #ahead: Promise<ByteWindow | undefined> | undefined;
  #isBegun = false;
  #isOver = false;

  constructor(
    context: StoreContext,
    segments: AsyncIterable<Segment> | readonly Segment[],
    hold: OpenReading,
  ) {
    this.#context = context;
    this.#hold = hold;
    this.#pace = new ReadingPace(context);
    const isLater = Symbol.asyncIterator in segments;
    this.#known = isLater ? [] : segments;
    this.#later = isLater ? segments[Symbol.asyncIterator]() : undefined;
  }

  /** Whether the first window was asked for: from then on the hold is closed by itself. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<NextWindow> {
    if (this.#isOver) return OVER;
    try {
      if (this.#isBegun) this.#pace.noteTaken();
      this.#isBegun = true;
      requireHold(this.#hold);
      const ahead = this.#ahead;
      this.#ahead = undefined;
      const window = await (ahead ?? this.#read());
      if (window === undefined || this.#isOver) {
        window?.release();
        this.#end();
        return OVER;
      }
      this.#readAhead();
      this.#pace.give(sizeOf(window));
      return { done: false, value: window };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  return(): Promise<NextWindow> {
    this.#end();
    return Promise.resolve(OVER);
  }

  #end(): void {
    this.#isOver = true;
    this.#hold.close();
    this.#ahead?.then((window) => window?.release(), nothing);
    this.#ahead = undefined;
  }

  #readAhead(): void {
    const isAtEnd =
      this.#run === undefined &&
      this.#later === undefined &&
      this.#knownCount === this.#known.length;
    if (isAtEnd || this.#pace.size !== "window") return;
    this.#ahead = this.#read();
    // Its error is thrown when its turn comes; until then it must not count as unhandled.
    this.#ahead.catch(nothing);
  }

  async #read(): Promise<ByteWindow | undefined> {
    for (;;) {
      const run = this.#run;
      if (run !== undefined) {
        const plan = run.next(this.#pace);
        if (run.isAtEnd) this.#run = undefined;
        return this.#gather(plan, run.segment.opener);
      }
      const segment =
        this.#later === undefined ? this.#known[this.#knownCount] : await nextOf(this.#later);
      if (segment === undefined) return undefined;
      this.#knownCount += 1;
      if (segment.kind === "set") {
        const { start, end } = segment.range;
        if (end > start) this.#run = new RunWindows(this.#context, segment);
      } else if (segment.bytes.length > 0) {
        return { chunks: [segment.bytes], release: nothing };
      }
    }
  }

  async #gather(plan: PlannedWindow, opener: ChunkOpener | undefined): Promise<ByteWindow> {
    const gathered = await this.#context.driveTurns.read(() => gatherWindow(plan), plan.isSmall);
    const window = deliverWindow(plan, gathered);
    return opener === undefined ? window : openWindow(this.#context, window, opener);
  }
}

async function nextOf(segments: AsyncIterator<Segment, unknown>): Promise<Segment | undefined> {
  const next = await segments.next();
  return next.done === true ? undefined : next.value;
}

function sizeOf({ chunks }: ByteWindow): number {
  let sizeBytes = 0;
  for (const chunk of chunks) sizeBytes += chunk.length;
  return sizeBytes;
}

/** A reading that was cut off reads on at its own risk: its shards may be gone. */
function requireHold(hold: OpenReading): void {
  if (hold.isCutOff) throw new S3Error("RequestTimeout");
}

/** The windows of one run of shards, in order: there is at least one. */
class RunWindows {
  readonly segment: SetSegment;
  readonly #reading: SetReading;
  readonly #isSmall: boolean;
  #start: number;

  constructor(context: StoreContext, segment: SetSegment) {
    const { run, range } = segment;
    this.segment = segment;
    this.#reading = new SetReading(context, run);
    this.#isSmall = range.end - range.start <= SMALL_BYTES_MAX;
    this.#start = range.start;
  }

  get isAtEnd(): boolean {
    return this.#start >= this.segment.range.end;
  }

  next({ size, aheadStripes }: ReadingPace): PlannedWindow {
    const { run, range } = this.segment;
    const { set } = run;
    const start = this.#start;
    const within = { start, end: Math.min(windowEnd(set, start, size), range.end) };
    this.#start = within.end;
    const stripes = locateRange(set, set.sizeBytes, within);
    // Of a stripe in which the range ends not every shard is wanted.
    const rangeStripes = range.end / stripeBytes(set);
    const lastEnd =
      range.end === set.sizeBytes ? Math.ceil(rangeStripes) : Math.floor(rangeStripes);
    return {
      reading: this.#reading,
      stripes,
      aheadEnd: Math.max(stripes.end, Math.min(stripes.end + aheadStripes, lastEnd)),
      range: within,
      isSmall: this.#isSmall,
    };
  }
}

/** Where a window of that size ends which begins there; in bytes of the set, of which there may be fewer. */
function windowEnd(set: ShardSetRecord, start: number, size: WindowSize): number {
  const full = stripeBytes(set);
  const first = Math.floor(start / full);
  if (size === "unit") {
    const { offset, unitBytes } = stripeAt(set, set.sizeBytes, first);
    return start + unitBytes - ((start - offset) % unitBytes);
  }
  return (first + (size === "window" ? STRIPES_PER_WINDOW : 1)) * full;
}
