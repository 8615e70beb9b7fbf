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
  readonly opener: ChunkOpener | undefined;
}

interface Planning {
  readonly context: StoreContext;
  readonly pace: ReadingPace;
}

const SMALL_BYTES_MAX = 1024 * 1024;

type Planned = PlannedWindow | Uint8Array;
type Plans = AsyncIterator<Planned, void> | Iterator<Planned, void>;

/**
 * The windows of segments in order; `hold` is closed at their end, however it comes, and also when nobody ever asks for
 * the first one but ends the iteration.
 * @throws S3Error ServiceUnavailable, InternalError from the iteration when fewer than k shards are good.
 */
export function readSegments(
  context: StoreContext,
  segments: AsyncIterable<Segment> | Iterable<Segment>,
  hold: OpenReading,
): ByteWindows {
  const windows = produceWindows(context, segments, hold);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => windows.next(),
      return: () => {
        // A generator that has not begun does not run its finally.
        hold.close();
        return windows.return();
      },
    }),
  };
}

async function* produceWindows(
  context: StoreContext,
  segments: AsyncIterable<Segment> | Iterable<Segment>,
  hold: OpenReading,
): AsyncGenerator<ByteWindow, void> {
  const pace = new ReadingPace(context);
  const plans = planWindows({ context, pace }, segments);
  let ahead: Promise<ByteWindow | undefined> | undefined;
  try {
    for (;;) {
      requireHold(hold);
      const window = await (ahead ?? nextWindow(plans));
      ahead = undefined;
      if (window === undefined) return;
      if (pace.size === "window") {
        ahead = nextWindow(plans);
        // Its error is thrown when its turn comes; until then it must not count as unhandled.
        ahead.catch(() => undefined);
      }
      pace.give(sizeOf(window));
      yield window;
      pace.noteTaken();
    }
  } finally {
    hold.close();
    ahead?.then(
      (window) => window?.release(),
      () => undefined,
    );
  }
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

async function nextWindow(plans: Plans): Promise<ByteWindow | undefined> {
  const next = await plans.next();
  if (next.done === true) return undefined;
  if (next.value instanceof Uint8Array) return { chunks: [next.value], release: () => undefined };
  const { isSmall, opener, reading } = next.value;
  const plan = next.value;
  const gathered = await reading.context.driveTurns.read(() => gatherWindow(plan), isSmall);
  const window = deliverWindow(plan, gathered);
  return opener === undefined ? window : openWindow(reading.context, window, opener);
}

/** Most objects are one segment, which is there already: nothing waits for it. */
function planWindows(
  planning: Planning,
  segments: AsyncIterable<Segment> | Iterable<Segment>,
): Plans {
  return Symbol.iterator in segments ? planNow(planning, segments) : planLater(planning, segments);
}

function* planNow(planning: Planning, segments: Iterable<Segment>): Generator<Planned, void> {
  for (const segment of segments) yield* plansOf(planning, segment);
}

async function* planLater(
  planning: Planning,
  segments: AsyncIterable<Segment>,
): AsyncGenerator<Planned, void> {
  for await (const segment of segments) yield* plansOf(planning, segment);
}

function* plansOf(planning: Planning, segment: Segment): Generator<Planned, void> {
  if (segment.kind === "bytes") {
    if (segment.bytes.length > 0) yield segment.bytes;
  } else if (segment.range.end > segment.range.start) {
    yield* planRun(planning, segment);
  }
}

function* planRun(
  { context, pace }: Planning,
  { run, range, opener }: Extract<Segment, { readonly kind: "set" }>,
): Generator<PlannedWindow, void> {
  const reading = new SetReading(context, run);
  const { set } = run;
  const isSmall = range.end - range.start <= SMALL_BYTES_MAX;
  let { start } = range;
  while (start < range.end) {
    const within = { start, end: Math.min(windowEnd(set, start, pace.size), range.end) };
    const stripes = locateRange(set, set.sizeBytes, within);
    yield { reading, stripes, range: within, opener, isSmall };
    start = within.end;
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
