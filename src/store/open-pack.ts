// A pack that this process appends to: a set whose k+m shard files grow by the same entries at the same places. What is
// appended together is written with one append and one sync a drive. A drive that fails is dropped for the rest of the
// pack's growing, which ends then: `canGrow` says so.
//
// Invariant: an entry counts once a quorum of drives has synced it, and its place is used by nothing else for ever.

import { createHash, type Hash } from "node:crypto";
import type { SetId } from "../core/ids.ts";
import {
  BLOCK_CHECKSUM_BYTES,
  blockChecksum,
  packedSeed,
  renderPackEntry,
  renderShardFooters,
  renderShardHeaders,
  type PackEntry,
} from "../datanode/shard-format.ts";
import { shardCount, type Geometry } from "../erasure/geometry.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import { crashPoint } from "../util/crash-point.ts";
import { newGeometry } from "./new-geometry.ts";
import { PackSlot } from "./pack-slot.ts";
import { discardSet } from "./remove-set.ts";
import type { StoreContext } from "./store-context.ts";
import type { FilledStripe } from "./stripe-batch.ts";
import { quorumError, quorumOfWrite } from "./write-quorum.ts";

export type PackContext = Pick<
  StoreContext,
  | "clock"
  | "clusterId"
  | "codec"
  | "drives"
  | "limits"
  | "litter"
  | "logger"
  | "metadata"
  | "pools"
  | "setIds"
  | "writings"
>;

/** What goes into a pack. */
export interface PackWrite {
  readonly entry: PackEntry;
  /** With parity. */
  readonly stripes: readonly FilledStripe[];
}

/** An entry is named, or never will be; "doubtful": nobody knows. */
export type EntryOutcome = "doubtful" | "named" | "refused";

/** Of so many random sets the one is taken of which most drives are there. */
const SETS_TRIED = 4;

/**
 * @param usesReserve For what may go to drives that are full up to their reserve: compaction, which ends in less.
 * @throws S3Error ServiceUnavailable, InsufficientStorage when too few drives take new shards.
 */
export async function openPack(context: PackContext, usesReserve: boolean): Promise<OpenPack> {
  const { drives } = context;
  const geometry = newGeometry(context);
  const layoutVersion = drives.written.version;
  const awayOf = (setId: SetId): number =>
    drives
      .locate(setId, layoutVersion, shardCount(geometry))
      .filter((drive) => drive === undefined || drive.isAway || drive.isShort).length;
  let setId = context.setIds.next();
  for (let tried = 1; tried < SETS_TRIED && awayOf(setId) > 0; tried += 1) {
    const other = context.setIds.next();
    if (awayOf(other) < awayOf(setId)) setId = other;
  }
  const located = drives.locate(setId, layoutVersion, shardCount(geometry));
  // Before refusing, ask: a drive that was away may be back since the last probe.
  const away = located.filter((drive) => drive === undefined || drive.isAway);
  if (located.length - away.length < quorumOfWrite(geometry, away.length)) {
    await Promise.all(away.map(async (drive) => drive?.confirm(0)));
  }
  const pack = new OpenPack(context, { setId, layoutVersion, geometry, usesReserve });
  await pack.open();
  return pack;
}

interface PackPlace {
  readonly setId: SetId;
  readonly layoutVersion: number;
  readonly geometry: Geometry;
  readonly usesReserve: boolean;
}

export class OpenPack {
  readonly setId: SetId;
  readonly layoutVersion: number;
  readonly geometry: Geometry;
  readonly openedAt: number;
  readonly #context: PackContext;
  readonly #slots: readonly PackSlot[];
  readonly #digests: readonly Hash[];
  readonly #quorum: number;
  readonly #headerBytes: number;
  /** What the first append begins with: so a new pack costs no write of its own. */
  #headers: readonly Uint8Array[];
  #endOffset = 0;
  #dataBytes = 0;
  #objectBytes = 0;
  #entryCount = 0;
  #hasFailed = false;
  /** Left set when an entry could not be placed: then there is no telling what a footer should say. */
  #isPlacing = false;
  #unsettledCount = 0;
  #isDoubtful = false;
  #wasNamed = false;
  #whenSettled: () => void = () => undefined;

  constructor(context: PackContext, { setId, layoutVersion, geometry, usesReserve }: PackPlace) {
    const { clock, clusterId, drives, limits } = context;
    this.#context = context;
    this.setId = setId;
    this.layoutVersion = layoutVersion;
    this.geometry = geometry;
    this.openedAt = clock.monotonic();
    const place = { clusterId, setId, bucket: "", key: "", createdAt: clock.now() };
    this.#headers = renderShardHeaders({ ...place, ...geometry, pack: true });
    this.#headerBytes = this.#headers[0]?.length ?? 0;
    const located = drives.locate(setId, layoutVersion, shardCount(geometry));
    const options = { deadlineMs: limits.writeDeadlineMs, usesReserve };
    this.#slots = located.map((drive, index) => new PackSlot({ setId, index }, drive, options));
    this.#digests = this.#slots.map(() => createHash("sha256"));
    const away = located.filter((drive) => drive === undefined || drive.isAway);
    this.#quorum = quorumOfWrite(geometry, away.length);
  }

  /** Bytes of data that were appended, whether or not anything names them. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** The same before they were sealed, as rows count them. */
  get objectBytes(): number {
    return this.#objectBytes;
  }

  /** Entries that a quorum of drives has. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** Whether no drive has failed it since it was begun. */
  get canGrow(): boolean {
    return !this.#hasFailed;
  }

  /** Whether a drive that it had to do without would take new shards now. */
  get isOutdated(): boolean {
    const { drives } = this.#context;
    // Located anew: one that was absent may have come.
    const located = drives.locate(this.setId, this.layoutVersion, this.#slots.length);
    return this.#slots.some((slot, index) => !slot.isGood && slot.couldBeOn(located[index]));
  }

  /** The set as a row names it now. */
  get set(): ShardSetRecord {
    const { dataShards, parityShards, unitBytes } = this.geometry;
    const missing = this.#slots.filter((slot) => !slot.isGood).map((slot) => slot.name.index);
    return {
      id: this.setId,
      dataShards,
      parityShards,
      unitBytes,
      layoutVersion: this.layoutVersion,
      sizeBytes: 0,
      headerBytes: this.#headerBytes,
      missing,
    };
  }

  /** Whether a call was given up that may still be reading what it was given. */
  get isStuck(): boolean {
    return this.#slots.some((slot) => slot.isStuck);
  }

  /** Whether a change that was to name an entry has ended in a way that leaves open if it was made. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** Whether anything in it was ever named. */
  get wasNamed(): boolean {
    return this.#wasNamed;
  }

  /** Creates the shards. @throws S3Error when too few could be; then nothing is left. */
  async open(): Promise<void> {
    if (this.#hasQuorum()) await Promise.all(this.#slots.map((slot) => slot.open()));
    crashPoint("pack.opened");
    if (this.#hasQuorum()) return;
    await this.discard();
    throw this.#quorumError();
  }

  /**
   * Appends entries; resolves, once they are durable, to where the blocks of each begin. Not to be called again before.
   * Each must be settled later.
   * @throws S3Error ServiceUnavailable, InsufficientStorage when too few drives took them: then they are dead bytes.
   */
  async append(writes: readonly PackWrite[]): Promise<readonly number[]> {
    // Whatever is thrown from here on, where the pack ends is no longer certain.
    this.#hasFailed = true;
    this.#isPlacing = true;
    const startOffset = this.#endOffset;
    const chunks = this.#slots.map((_, index) => {
      const header = this.#headers[index];
      return header === undefined ? [] : [header];
    });
    if (startOffset === 0) this.#endOffset = this.#headerBytes;
    this.#headers = [];
    const places = writes.map((write) => this.#place(write, chunks));
    this.#isPlacing = false;
    const goodCount = this.#goodCount;
    await Promise.all(
      this.#slots.map(async (slot, index) => {
        await slot.append(startOffset, chunks[index] ?? []);
        crashPoint("pack.some-appended");
      }),
    );
    if (!this.#hasQuorum()) throw this.#quorumError();
    crashPoint("pack.durable");
    this.#hasFailed = this.#goodCount < goodCount;
    this.#entryCount += writes.length;
    this.#unsettledCount += writes.length;
    return places;
  }

  settle(outcome: EntryOutcome): void {
    if (outcome === "doubtful") this.#isDoubtful = true;
    if (outcome === "named") this.#wasNamed = true;
    this.#unsettledCount -= 1;
    if (this.#unsettledCount === 0) this.#whenSettled();
  }

  /** Resolves when every entry has been settled. */
  settled(): Promise<void> {
    if (this.#unsettledCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenSettled = resolve;
    });
  }

  /** Writes the footers and closes; never rejects: what is not sealed is good all the same. */
  async seal(): Promise<void> {
    if (this.#isPlacing) return this.#close();
    const footer = {
      dataBytes: this.#dataBytes,
      etag: "",
      checksums: [],
      attributes: { headers: {}, userMetadata: {} },
      digests: this.#digests.map((digest) => digest.digest("hex")),
      createdAt: this.#context.clock.now(),
    };
    const footers = renderShardFooters(this.setId, footer, this.#endOffset);
    await Promise.all(
      this.#slots.map(async (slot, index) => {
        await slot.seal(this.#endOffset, footers[index] ?? new Uint8Array(0));
        crashPoint("pack.some-sealed");
        await slot.close();
      }),
    );
  }

  /** Closes and removes everything; never rejects. What a drive that is away holds of it is removed later. */
  async discard(): Promise<void> {
    await this.#close();
    const { setId, layoutVersion } = this;
    const set = { setId, layoutVersion, shardCount: this.#slots.length };
    await discardSet(this.#context, set);
  }

  async #close(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  /** Puts an entry at the end, and what each drive gets of it behind the chunks for that drive. */
  #place({ entry, stripes }: PackWrite, chunks: readonly Uint8Array[][]): number {
    const header = renderPackEntry({ setId: this.setId, offset: this.#endOffset }, entry);
    const offset = this.#endOffset + header.length;
    const place = { offset, sizeBytes: entry.sizeBytes, etag: entry.etag };
    for (const [index, list] of chunks.entries()) {
      list.push(header);
      const seed = packedSeed(this.setId, index, place);
      const checksums = Buffer.allocUnsafe(stripes.length * BLOCK_CHECKSUM_BYTES);
      for (const [block, { units, geometry }] of stripes.entries()) {
        const { unitBytes } = geometry;
        const unit = units.subarray(index * unitBytes, (index + 1) * unitBytes);
        const at = block * BLOCK_CHECKSUM_BYTES;
        checksums.writeUInt32LE(blockChecksum(seed, block, unit), at);
        list.push(unit, checksums.subarray(at, at + BLOCK_CHECKSUM_BYTES));
      }
      this.#digests[index]?.update(checksums);
    }
    this.#dataBytes += entry.sizeBytes;
    this.#objectBytes += entry.seal?.sizeBytes ?? entry.sizeBytes;
    this.#endOffset = offset;
    for (const { geometry } of stripes)
      this.#endOffset += geometry.unitBytes + BLOCK_CHECKSUM_BYTES;
    return offset;
  }

  get #goodCount(): number {
    return this.#slots.filter((slot) => slot.isGood).length;
  }

  #hasQuorum(): boolean {
    return this.#goodCount >= this.#quorum;
  }

  #quorumError(): Error {
    const errors = this.#slots.filter((slot) => !slot.isGood).map((slot) => slot.error);
    return quorumError(this.geometry, errors);
  }
}
