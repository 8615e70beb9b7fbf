// Walks a pack from entry to entry, by what its shards say of themselves: the metadata knows where each object is, but not
// what else is in a pack. A header that is bad in one shard is read from another.

import {
  BLOCK_CHECKSUM_BYTES,
  findPackEntry,
  PACK_ENTRY_START_BYTES,
  peekPackEntryBytes,
  shardSeed,
  type PackEntry,
} from "../datanode/shard-format.ts";
import { ShardError } from "../datanode/shard-store.ts";
import { shardUnitsBytes, stripeCount } from "../erasure/stripe.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import { withDeadline } from "../util/deadline.ts";
import type { Drive } from "./drive.ts";
import { SetReading } from "./set-reading.ts";
import type { StoreContext } from "./store-context.ts";

export interface FoundEntry {
  readonly entry: PackEntry;
  /** Where its blocks begin, as in the row that names it. */
  readonly offset: number;
  /** What stands before them, the same in every shard. */
  readonly header: Uint8Array;
}

/** How the bytes of a shard are read. @throws ShardError */
export type ReadShard = (
  index: number,
  drive: Drive,
  place: { readonly offset: number; readonly target: Uint8Array },
) => Promise<void>;

/** So much is read at an entry: most headers are shorter. */
const READ_BYTES = 1024;

/**
 * The entries of a pack that grows no more, in order. Ends where no shard has an entry: at the end of the pack, or at
 * a header that is bad in every shard that can be read.
 */
export async function* packEntries(
  context: StoreContext,
  set: ShardSetRecord,
  readShard: ReadShard = (index, drive, { offset, target }) =>
    drive.store.read({ setId: set.id, index }, offset, target),
): AsyncGenerator<FoundEntry, void> {
  const walk = new PackWalk(context, set, readShard);
  let at = set.headerBytes;
  for (;;) {
    const found = await walk.find(at);
    if (found === undefined) return;
    yield found;
    const { sizeBytes } = found.entry;
    const blocks = stripeCount(set, sizeBytes) * BLOCK_CHECKSUM_BYTES;
    at = found.offset + shardUnitsBytes(set, sizeBytes) + blocks;
  }
}

class PackWalk {
  readonly #context: StoreContext;
  readonly #set: ShardSetRecord;
  readonly #reading: SetReading;
  readonly #readShard: ReadShard;
  /** Of the shards that were asked; 0 for those that cannot be read. */
  readonly #sizes = new Map<number, number>();

  constructor(context: StoreContext, set: ShardSetRecord, readShard: ReadShard) {
    this.#context = context;
    this.#set = set;
    this.#readShard = readShard;
    this.#reading = new SetReading(context, { set, seed: (index) => shardSeed(set.id, index) });
  }

  async find(at: number): Promise<FoundEntry | undefined> {
    for (const index of this.#reading.candidates()) {
      const found = await this.#findIn(index, at);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #findIn(index: number, at: number): Promise<FoundEntry | undefined> {
    const drive = this.#reading.drive(index);
    if (drive === undefined) return undefined;
    try {
      const sizeBytes = await this.#sizeOf(index, drive);
      const start = await this.#read(index, drive, at, Math.min(READ_BYTES, sizeBytes - at));
      const headerBytes = peekPackEntryBytes(start);
      if (headerBytes === undefined || at + headerBytes > sizeBytes) return undefined;
      const header =
        headerBytes <= start.length
          ? start.subarray(0, headerBytes)
          : await this.#read(index, drive, at, headerBytes);
      const entry = findPackEntry({ setId: this.#set.id, offset: at }, header);
      return entry && { entry, offset: at + headerBytes, header };
    } catch (error) {
      if (!(error instanceof ShardError)) throw error;
      this.#sizes.set(index, 0);
      drive.noteError(error);
      this.#reading.noteBad(index, error);
      return undefined;
    }
  }

  async #sizeOf(index: number, drive: Drive): Promise<number> {
    const known = this.#sizes.get(index);
    if (known !== undefined) return known;
    const sizeBytes = await this.#bounded(drive.store.size({ setId: this.#set.id, index }), drive);
    this.#sizes.set(index, sizeBytes);
    return sizeBytes;
  }

  /** Nothing where there is too little left for a header. */
  async #read(index: number, drive: Drive, at: number, length: number): Promise<Uint8Array> {
    if (length < PACK_ENTRY_START_BYTES) return new Uint8Array(0);
    const target = new Uint8Array(length);
    await this.#bounded(this.#readShard(index, drive, { offset: at, target }), drive);
    return target;
  }

  #bounded<Value>(work: Promise<Value>, drive: Drive): Promise<Value> {
    return withDeadline(work, {
      timeoutMs: this.#context.limits.readDeadlineMs,
      onTimeout: () => new ShardError("Unavailable", `${drive.store.label} missed its deadline`),
    });
  }
}
