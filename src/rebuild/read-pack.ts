// A pack, entry by entry, from its shards alone. A pack with footers is read to where these begin. One without (its process
// was killed) may end in what was never durable: there an entry counts if its blocks are good in as many shards as it
// takes to read it.

import {
  BLOCK_CHECKSUM_BYTES,
  findPackEntry,
  PACK_ENTRY_START_BYTES,
  packedSeed,
  peekPackEntryBytes,
  verifyBlock,
  type PackEntry,
  type ShardHeader,
} from "../datanode/shard-format.ts";
import { ShardError } from "../datanode/shard-store.ts";
import { shardCount } from "../erasure/geometry.ts";
import { shardUnitsBytes, stripeAt, stripeCount } from "../erasure/stripe.ts";
import type { Claim, StagedSet } from "../metadata/sqlite/rebuild/claim-stage.ts";
import { drivesByIndex, type FoundShard } from "./found-set.ts";
import { ShardWindow } from "./shard-window.ts";

export interface ReadPack {
  readonly set: StagedSet;
  readonly claims: readonly Claim[];
  /** Entries that too few shards have. */
  readonly lostCount: number;
  /** Entries at the end that were never durable. */
  readonly unfinishedCount: number;
  /** Where reading on was not possible although there is more; undefined where it came to the end. */
  readonly stoppedAt: number | undefined;
}

interface FoundEntry {
  readonly entry: PackEntry;
  /** Where its blocks begin. */
  readonly offset: number;
  readonly endOffset: number;
}

/** Nearly all headers are shorter. */
const HEADER_BYTES_USUAL = 1_024;
/** Where entries are small, so much is read at a time. */
const AHEAD_BYTES = 256 * 1024;
const SMALL_ENTRY_BYTES = 32 * 1024;

/** `isDecided`: entries that are passed over, by where their blocks begin and by their time: something else decides. */
export async function readPack(
  header: ShardHeader,
  shards: readonly FoundShard[],
  isDecided: (offset: number, at: number) => boolean,
): Promise<ReadPack> {
  const walk = new PackWalk(header, shards);
  const isSealed = shards.some(({ tail }) => tail.footer !== undefined);
  const claims: Claim[] = [];
  let at = header.headerBytes;
  let usedEnd = at;
  let lostCount = 0;
  let unfinishedCount = 0;
  let objectBytes = 0;
  let found = await walk.find(at);
  for (; found !== undefined; found = await walk.find(at)) {
    at = found.endOffset;
    objectBytes += found.entry.seal?.sizeBytes ?? found.entry.sizeBytes;
    if (isDecided(found.offset, found.entry.createdAt)) {
      usedEnd = at;
      continue;
    }
    const isThere = isSealed ? walk.isCovered(found) : await walk.isWhole(found);
    if (isThere) {
      claims.push(claimOf(header, found));
      usedEnd = at;
    } else if (isSealed) lostCount += 1;
    else unfinishedCount += 1;
  }
  const reach = shards.filter(({ tail }) => tail.endOffset >= usedEnd);
  const stoppedAt = isSealed && at < walk.endOffset ? at : undefined;
  const set = { ...setOf(header, reach), sizeBytes: objectBytes };
  return { set, claims, lostCount, unfinishedCount, stoppedAt };
}

class PackWalk {
  readonly #header: ShardHeader;
  readonly #shards: readonly FoundShard[];
  readonly #windows: readonly ShardWindow[];
  /** Where entries end, in the shard that has the most. */
  readonly endOffset: number;
  #ahead = AHEAD_BYTES;

  constructor(header: ShardHeader, shards: readonly FoundShard[]) {
    this.#header = header;
    const sealed = shards.filter(({ tail }) => tail.footer !== undefined);
    const ends = (sealed.length > 0 ? sealed : shards).map(({ tail }) => tail.endOffset);
    this.endOffset = Math.max(0, ...ends);
    // Where a footer follows, it is no entry.
    this.#shards = shards.toSorted((a, b) => b.tail.endOffset - a.tail.endOffset);
    this.#windows = this.#shards.map(
      ({ store, index, tail }) =>
        new ShardWindow(
          store,
          { setId: header.setId, index },
          Math.min(tail.endOffset, this.endOffset),
        ),
    );
  }

  /** The entry that begins there, from the first shard that has it. */
  async find(at: number): Promise<FoundEntry | undefined> {
    if (at + PACK_ENTRY_START_BYTES > this.endOffset) return undefined;
    for (const window of this.#windows) {
      const found = await this.#findIn(window, at);
      if (found === undefined) continue;
      this.#ahead = found.endOffset - at < SMALL_ENTRY_BYTES ? AHEAD_BYTES : HEADER_BYTES_USUAL;
      return found;
    }
    return undefined;
  }

  async #findIn(window: ShardWindow, at: number): Promise<FoundEntry | undefined> {
    try {
      const start = await window.read(at, HEADER_BYTES_USUAL, this.#ahead);
      const bytes = peekPackEntryBytes(start);
      if (bytes === undefined || at + bytes > window.sizeBytes) return undefined;
      const text = await window.read(at, bytes, bytes);
      const entry = findPackEntry({ setId: this.#header.setId, offset: at }, text);
      if (entry === undefined) return undefined;
      const offset = at + bytes;
      return { entry, offset, endOffset: offset + this.#shardBytes(entry.sizeBytes) };
    } catch (error) {
      if (error instanceof ShardError) return undefined;
      throw error;
    }
  }

  /** Whether as many shards reach over it as it takes to read it. */
  isCovered({ endOffset }: FoundEntry): boolean {
    return this.#countReaching(endOffset) >= this.#header.dataShards;
  }

  /** Whether its blocks are good in as many shards as it takes to read it. */
  async isWhole(found: FoundEntry): Promise<boolean> {
    if (!this.isCovered(found)) return false;
    const good = new Set<number>();
    for (const shard of this.#shards) {
      if (await this.#hasGoodBlocks(shard, found)) good.add(shard.index);
      if (good.size >= this.#header.dataShards) return true;
    }
    return false;
  }

  async #hasGoodBlocks(
    { store, index, tail }: FoundShard,
    { entry, offset, endOffset }: FoundEntry,
  ): Promise<boolean> {
    if (tail.endOffset < endOffset) return false;
    const { setId } = this.#header;
    const { sizeBytes, etag } = entry;
    const bytes = new Uint8Array(endOffset - offset);
    try {
      await store.read({ setId, index }, offset, bytes);
    } catch (error) {
      if (error instanceof ShardError) return false;
      throw error;
    }
    const seed = packedSeed(setId, index, { offset, sizeBytes, etag });
    let at = 0;
    for (let block = 0; block < stripeCount(this.#header, sizeBytes); block += 1) {
      const { unitBytes } = stripeAt(this.#header, sizeBytes, block);
      const end = at + unitBytes + BLOCK_CHECKSUM_BYTES;
      if (!verifyBlock(seed, block, bytes.subarray(at, end))) return false;
      at = end;
    }
    return true;
  }

  #countReaching(endOffset: number): number {
    const reaching = this.#shards.filter(({ tail }) => tail.endOffset >= endOffset);
    return new Set(reaching.map(({ index }) => index)).size;
  }

  #shardBytes(sizeBytes: number): number {
    const blocks = stripeCount(this.#header, sizeBytes) * BLOCK_CHECKSUM_BYTES;
    return shardUnitsBytes(this.#header, sizeBytes) + blocks;
  }
}

function claimOf({ setId }: ShardHeader, { entry, offset }: FoundEntry): Claim {
  const { bucket, key, part, sizeBytes, etag, checksums, attributes, seal, about } = entry;
  const at = entry.createdAt;
  return {
    bucket,
    key,
    at,
    setId,
    offset,
    part,
    sizeBytes,
    etag,
    checksums,
    attributes,
    seal,
    about,
  };
}

function setOf(header: ShardHeader, shards: readonly FoundShard[]): StagedSet {
  const { setId: id, dataShards, parityShards, unitBytes, headerBytes } = header;
  const drives = drivesByIndex(shards, shardCount(header));
  const geometry = { dataShards, parityShards, unitBytes, headerBytes };
  return { id, ...geometry, sizeBytes: 0, isPack: true, drives };
}
