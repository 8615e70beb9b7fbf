// Compaction: packs of which much is dead are emptied into the open pack, object by object, and go to the trash with the
// last of them. Each object is copied first, and then named at its new place if it is still named at the old one, so that
// a crash at any time leaves a copy that is dead bytes, and no more.
// What cannot be read stays where it is, with its pack, and is counted.

import { S3Error } from "../core/s3-error.ts";
import type { SetId } from "../core/ids.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { PackRecord, ShardSetRecord } from "../metadata/records.ts";
import { crashPoint } from "../util/crash-point.ts";
import { commitContent } from "./commit-content.ts";
import { storedBytesOf, type StoredBytes } from "./encryption/stored-bytes.ts";
import { PackedBytes } from "./packed-bytes.ts";
import { packEntries, type FoundEntry } from "./pack-walk.ts";
import { idBefore } from "./repair/id-before.ts";
import type { Pace } from "./repair/pace.ts";
import { readSegments } from "./read-segments.ts";
import { runOf, type ShardContent } from "./set-run.ts";
import type { StoreContext } from "./store-context.ts";

export interface CompactOptions {
  /** Packs of which at least this share of the bytes is dead, more than 0 and up to 1. */
  readonly deadShareMin: number;
  /** How many packs are emptied at most; all where absent. */
  readonly packsMax?: number;
  /** Ends the pack that is open first, so that its dead bytes count too. */
  readonly sealsOpen?: boolean;
  /** Ends the work early, between objects. */
  readonly signal?: AbortSignal;
  /** After each pack. */
  readonly onProgress?: (progress: CompactProgress) => void;
}

export interface CompactProgress {
  /** Packs that were looked through. */
  readonly packCount: number;
  readonly movedCount: number;
  readonly movedBytes: number;
  /** Objects and parts that could not be read now: they stay where they are. */
  readonly unreadableCount: number;
  /** Packs that something still names. */
  readonly keptCount: number;
  /** Whether no pack was left out. */
  readonly isComplete: boolean;
}

/** Data of objects that are in memory at a time at most, unless a single one is larger. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const BATCH_COUNT_MAX = 128;
/** A pack that could not be emptied is left alone for so long by work that was not asked for. */
const KEPT_MS = 10 * 60 * 1000;
const PAGE_SIZE = 64;

interface EmptyOptions {
  readonly after: SetId | undefined;
  /** Packs that are looked at. */
  readonly limit: number;
  readonly isChosen: (set: ShardSetRecord) => boolean;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

interface EmptiedPage {
  /** The last that was looked at; undefined: there are no more. */
  readonly after: SetId | undefined;
  readonly seenCount: number;
  readonly progress: CompactProgress;
}

interface EmptyHow {
  readonly pace?: Pace | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether what is alive may go to drives that are full up to their reserve: where it ends in less. */
  readonly usesReserve: boolean;
}

interface Tally {
  packCount: number;
  movedCount: number;
  movedBytes: number;
  unreadableCount: number;
  keptCount: number;
}

type MoveHow = Pick<EmptyHow, "usesReserve"> & { readonly tally: Tally };

function newTally(): Tally {
  return { packCount: 0, movedCount: 0, movedBytes: 0, unreadableCount: 0, keptCount: 0 };
}

/** What the metadata says of an entry that it names: its row. */
interface NamedBytes {
  readonly bucketId: number;
  readonly content: ShardContent;
  readonly stored: StoredBytes;
}

const NOTHING_DONE: CompactProgress = { ...newTally(), isComplete: false };

export class Compaction {
  readonly #context: StoreContext;
  /** Packs that could not be emptied, by when they may be tried again (monotonic milliseconds). */
  readonly #kept = new Map<SetId, number>();
  #askedCount = 0;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  /** Passes over packs that could not be emptied a while ago; does nothing while someone has asked for more. */
  async runDue(options: CompactOptions): Promise<CompactProgress> {
    if (this.#askedCount > 0) return NOTHING_DONE;
    // A pack rewritten while a drive is away would lack that drive's shard, which the old one still has.
    if (this.#context.drives.awayCount > 0) return NOTHING_DONE;
    const now = this.#context.clock.monotonic();
    for (const [setId, until] of this.#kept) if (until <= now) this.#kept.delete(setId);
    return this.#run(options, this.#kept);
  }

  /** @throws S3Error ServiceUnavailable, InsufficientStorage when nothing can be written */
  async run(options: CompactOptions): Promise<CompactProgress> {
    this.#askedCount += 1;
    try {
      return await this.#run(options, new Map());
    } finally {
      this.#askedCount -= 1;
    }
  }

  async #run(
    { deadShareMin, packsMax = Infinity, sealsOpen = false, signal, onProgress }: CompactOptions,
    passedOver: ReadonlyMap<SetId, number>,
  ): Promise<CompactProgress> {
    const { metadata, packs } = this.#context;
    const isAborted = (): boolean => signal?.aborted === true;
    if (sealsOpen) await packs.sealOpen();
    const tally = newTally();
    let after: SetId | undefined;
    for (;;) {
      const page = await metadata.listSparsePacks(deadShareMin, after, PAGE_SIZE);
      for (const pack of page) {
        after = pack.set.id;
        if (passedOver.has(after)) continue;
        if (isAborted() || tally.packCount >= packsMax) {
          return { ...tally, isComplete: false };
        }
        if (!(await this.#emptyWhile(pack, { deadShareMin, signal, usesReserve: true }, tally)))
          continue;
        onProgress?.({ ...tally, isComplete: false });
      }
      if (page.length < PAGE_SIZE) return { ...tally, isComplete: !isAborted() };
    }
  }

  /**
   * Empties the chosen ones of a page of packs, whatever is dead in them; those behind `after` only.
   * @throws S3Error ServiceUnavailable, InsufficientStorage when nothing can be written
   */
  async emptyChosen({ after, limit, isChosen, pace, signal }: EmptyOptions): Promise<EmptiedPage> {
    const tally = newTally();
    // What is emptied here nobody else need empty.
    this.#askedCount += 1;
    try {
      const page = await this.#context.metadata.listSparsePacks(0, after, limit);
      for (const pack of page) {
        if (signal.aborted) break;
        if (isChosen(pack.set))
          await this.#emptyWhile(
            pack,
            { deadShareMin: 0, pace, signal, usesReserve: false },
            tally,
          );
      }
      const next = page.length < limit ? undefined : page.at(-1)?.set.id;
      const progress = { ...tally, isComplete: !signal.aborted };
      return { after: next, seenCount: page.length, progress };
    } finally {
      this.#askedCount -= 1;
    }
  }

  /** Empties a pack while it is as dead as that; false, and nothing is done, when it is not any more. */
  async #emptyWhile(
    pack: PackRecord,
    { deadShareMin, ...how }: EmptyHow & { readonly deadShareMin: number },
    tally: Tally,
  ): Promise<boolean> {
    const { metadata, readings } = this.#context;
    const { id } = pack.set;
    const isStill = async (): Promise<boolean> =>
      (await metadata.listSparsePacks(deadShareMin, idBefore(id), 1))[0]?.set.id === id;
    // Held while its entries are looked for: the last that is alive in it may be deleted meanwhile, and its files with it.
    const hold = readings.begin();
    try {
      if (!(await isStill())) return false;
      await this.#empty(pack, how, tally);
    } finally {
      hold.close();
    }
    if (how.signal?.aborted !== true && (await isStill())) this.#noteKept(id, tally);
    return true;
  }

  #noteKept(setId: SetId, tally: Tally): void {
    const { clock, logger } = this.#context;
    tally.keptCount += 1;
    this.#kept.set(setId, clock.monotonic() + KEPT_MS);
    logger.warn({ setId }, "a pack could not be emptied: something in it cannot be read");
  }

  async #empty(pack: PackRecord, how: EmptyHow, tally: Tally): Promise<void> {
    const { pace, signal, usesReserve } = how;
    tally.packCount += 1;
    let batch: FoundEntry[] = [];
    let batchBytes = 0;
    // While one batch is moved, the next is looked for.
    let moving: Promise<void> = Promise.resolve();
    try {
      for await (const found of packEntries(this.#context, pack.set)) {
        if (signal?.aborted === true) return;
        await pace?.(found.entry.sizeBytes);
        batch.push(found);
        batchBytes += found.entry.sizeBytes;
        if (batchBytes < BATCH_BYTES_MAX && batch.length < BATCH_COUNT_MAX) continue;
        await moving;
        moving = this.#moveAll(pack, batch, { tally, usesReserve });
        moving.catch(() => undefined);
        batch = [];
        batchBytes = 0;
      }
    } finally {
      await moving;
    }
    await this.#moveAll(pack, batch, { tally, usesReserve });
  }

  async #moveAll(pack: PackRecord, batch: readonly FoundEntry[], how: MoveHow): Promise<void> {
    const results = await Promise.allSettled(batch.map((found) => this.#move(pack, found, how)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #move(pack: PackRecord, found: FoundEntry, { tally, usesReserve }: MoveHow): Promise<void> {
    const { metadata, packs, readings, writings } = this.#context;
    const { entry, offset } = found;
    // Begun before the row is looked up: what it names then stays until it is read.
    const hold = readings.begin();
    try {
      const bytes = new PackedBytes(this.#context, entry.sizeBytes);
      let named: NamedBytes | undefined;
      try {
        named = await findNamed(metadata, pack.set.id, found);
        if (named === undefined) return;
        const run = runOf(named.content, named.stored);
        const range = { start: 0, end: named.stored.sizeBytes };
        for await (const window of readSegments(
          this.#context,
          [{ kind: "set", run, range }],
          hold,
        )) {
          for (const chunk of window.chunks) bytes.take(chunk);
          window.release();
        }
      } catch (err) {
        bytes.release();
        const { bucket, key } = entry;
        const fields = { err, setId: pack.set.id, offset, bucket, key };
        this.#context.logger.warn(fields, "an object could not be moved out of its pack");
        tally.unreadableCount += 1;
        return;
      }
      bytes.end();
      const { bucketId } = named;
      const from = { setId: pack.set.id, offset };
      const { key, part } = entry;
      const isMoved = await writings.run(async () => {
        const to = await packs.add({ entry, bytes, usesReserve });
        crashPoint("compaction.copied");
        return commitContent(this.#context, to, () =>
          metadata.movePacked({ bucketId, key, part, from, to }),
        );
      });
      crashPoint("compaction.moved");
      if (!isMoved) return;
      tally.movedCount += 1;
      tally.movedBytes += entry.sizeBytes;
    } finally {
      hold.close();
    }
  }
}

interface PackPlace {
  readonly setId: SetId;
  readonly offset: number;
}

/** The row that names exactly this entry; undefined when none does: its bytes are dead. */
export async function findNamed(
  metadata: MetadataStore,
  setId: SetId,
  { entry, offset }: Pick<FoundEntry, "entry" | "offset">,
): Promise<NamedBytes | undefined> {
  const bucket = await metadata.findBucket(entry.bucket);
  if (bucket === undefined) return undefined;
  const row = await findRow(metadata, bucket.id, { setId, offset }, entry);
  if (row?.content.kind !== "packed") return undefined;
  const { content } = row;
  if (content.set.id !== setId || content.offset !== offset) return undefined;
  const stored = storedBytesOf(row);
  if (stored.sizeBytes !== entry.sizeBytes || stored.etag !== entry.etag) {
    throw new S3Error("InternalError", {
      cause: new Error("row and pack disagree about size or ETag"),
    });
  }
  return { bucketId: bucket.id, content, stored };
}

async function findRow(
  metadata: MetadataStore,
  bucketId: number,
  from: PackPlace,
  { key, part }: FoundEntry["entry"],
): Promise<Awaited<ReturnType<MetadataStore["findPacked" | "findPart"]>>> {
  if (part === undefined) return metadata.findPacked(bucketId, key, from);
  const upload = await metadata.findUpload(bucketId, key, part.uploadId);
  return upload && metadata.findPart(upload.manifestId, part.number);
}
