// Streams an object's bytes into a new set of k+m shards on as many drives, all at the same time: while one batch of
// stripes is on its way to the drives, the next is filled; a third waits for the first. While many slow clients hold
// buffers a batch is a single stripe, which is gathered in scraps first. No shard is created before there is a stripe for
// it. Ends in `finish`, after which the shards are durable on a quorum, or in `abort`, after which nothing is left.

import type { S3Error } from "../core/s3-error.ts";
import type { SetId } from "../core/ids.ts";
import {
  footerOffset,
  renderShardFooters,
  renderShardHeaders,
  type ShardPart,
  type ShardSetFooter,
} from "../datanode/shard-format.ts";
import { shardCount, stripeBytes, type Geometry } from "../erasure/geometry.ts";
import { shardUnitsBytes, stripeCount } from "../erasure/stripe.ts";
import type { ShardSetRecord } from "../metadata/records.ts";
import { crashPoint } from "../util/crash-point.ts";
import { newGeometry } from "./new-geometry.ts";
import { ShardSlot } from "./shard-slot.ts";
import { STRIPES_PER_WINDOW, type StoreContext } from "./store-context.ts";
import { StripeScraps } from "./stripe-scraps.ts";
import { StripeBatch, type FilledStripe } from "./stripe-batch.ts";
import { quorumError, quorumOfWrite } from "./write-quorum.ts";

/** Whose bytes a set holds: written into its shards, so that the drives alone can tell. */
export interface SetPurpose {
  readonly bucket: string;
  readonly key: string;
  readonly part?: ShardPart | undefined;
  /** Of a copy of a set: when that was begun, in milliseconds since 1970. */
  readonly createdAt?: number | undefined;
}

/** What is known of the bytes once they have ended. */
export type SetSummary = Pick<
  ShardSetFooter,
  "about" | "attributes" | "checksums" | "etag" | "seal"
> & {
  /** Of a copy of a set: when its data had ended, in milliseconds since 1970. */
  readonly createdAt?: number | undefined;
};

/** @throws S3Error ServiceUnavailable, InsufficientStorage when too few drives take new shards. */
export async function openSetWriter(
  context: StoreContext,
  purpose: SetPurpose,
): Promise<SetWriter> {
  const { drives: driveSet } = context;
  const geometry = newGeometry(context);
  const layoutVersion = driveSet.written.version;
  const setId = context.setIds.next();
  const drives = driveSet.locate(setId, layoutVersion, shardCount(geometry));
  const away = drives.filter((drive) => drive === undefined || drive.isAway);
  const shortCount = drives.filter((drive) => drive?.isAway === false && drive.isShort).length;
  const quorum = quorumOfWrite(geometry, away.length);
  if (drives.length - away.length - shortCount < quorum) {
    // Before refusing, ask: one that was away may be back since the last probe.
    await Promise.all(away.map(async (drive) => drive?.confirm(0)));
  }
  const headers = renderShardHeaders({
    bucket: purpose.bucket,
    key: purpose.key,
    part: purpose.part,
    ...geometry,
    clusterId: context.clusterId,
    setId,
    createdAt: purpose.createdAt ?? context.clock.now(),
  });
  const slots = headers.map(
    (header, index) =>
      new ShardSlot({ setId, index }, drives[index], header, context.limits.writeDeadlineMs),
  );
  return new SetWriter({ context, purpose, setId, layoutVersion, geometry, slots, quorum });
}

interface SetWriterOptions {
  readonly context: StoreContext;
  readonly purpose: SetPurpose;
  readonly setId: SetId;
  readonly layoutVersion: number;
  readonly geometry: Geometry;
  readonly slots: readonly ShardSlot[];
  readonly quorum: number;
}

export class SetWriter {
  readonly #context: StoreContext;
  readonly #geometry: Geometry;
  readonly #purpose: SetPurpose;
  readonly #setId: SetId;
  readonly #layoutVersion: number;
  readonly #slots: readonly ShardSlot[];
  readonly #quorum: number;
  readonly #headerBytes: number;
  readonly #scraps: StripeScraps;
  #batch: StripeBatch | undefined;
  #opening: Promise<void> | undefined;
  #sending: Promise<void> | undefined;
  #sizeBytes = 0;

  /** @throws S3Error ServiceUnavailable, InsufficientStorage */
  constructor(options: SetWriterOptions) {
    this.#context = options.context;
    this.#geometry = options.geometry;
    this.#purpose = options.purpose;
    this.#setId = options.setId;
    this.#layoutVersion = options.layoutVersion;
    this.#slots = options.slots;
    this.#quorum = options.quorum;
    this.#headerBytes = options.slots[0]?.headerBytes ?? 0;
    this.#scraps = new StripeScraps(options.context.pools);
    this.#requireQuorum();
  }

  /**
   * Takes the next bytes; they are the caller's again once this has resolved.
   * @throws S3Error as `finish`; SlowDown when too many bytes are under way. `abort` must follow.
   */
  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = this.#take(rest);
      this.#sizeBytes += taken;
      if (this.#batch?.isFull === true) await this.#send(this.#batch);
      if (taken === rest.length) return;
      rest = rest.subarray(taken);
    }
  }

  /**
   * Makes the set durable. Shards that could not be written are named as missing.
   * @throws S3Error ServiceUnavailable, InsufficientStorage; `abort` must follow.
   */
  async finish(summary: SetSummary): Promise<ShardSetRecord> {
    if (this.#scraps.sizeBytes > 0) this.#useScraps();
    const stripe = this.#batch?.lastStripe();
    if (stripe !== undefined) this.#queue(stripe);
    await this.#open();
    await this.#sending;
    this.#requireQuorum();
    const footers = this.#renderFooters(summary);
    crashPoint("set.before-footers");
    await this.#onDrives(async (slot) => {
      await slot.finish(footers[slot.name.index] ?? new Uint8Array(0));
      crashPoint("set.some-footers");
    });
    this.#requireQuorum();
    crashPoint("set.durable");
    this.#giveBack();
    const dropped = this.#slots.filter((slot) => !slot.isGood);
    for (const slot of dropped) void slot.abort();
    return {
      ...this.#geometry,
      id: this.#setId,
      layoutVersion: this.#layoutVersion,
      sizeBytes: this.#sizeBytes,
      headerBytes: this.#headerBytes,
      missing: dropped.map((slot) => slot.name.index),
    };
  }

  /** Removes everything; never rejects. What a drive that is away holds of it is removed later. */
  async abort(): Promise<void> {
    await this.#opening;
    await this.#sending;
    await this.#onDrives((slot) => slot.abort());
    for (const { drive, name, mayBeLeft } of this.#slots) {
      if (drive !== undefined && mayBeLeft) this.#context.litter.add(drive, name);
    }
    this.#scraps.release();
    this.#giveBack();
  }

  /** Creates the shards. Slots never reject, so neither does this. */
  #open(): Promise<void> {
    this.#opening ??= this.#onDrives((slot) => slot.open()).then(() => crashPoint("set.opened"));
    return this.#opening;
  }

  /** Not more sets at a time than the drives can serve in good time. */
  async #onDrives(call: (slot: ShardSlot) => Promise<void>): Promise<void> {
    await this.#context.driveTurns.write(() => Promise.all(this.#slots.map(call)));
  }

  /** Takes bytes up to the end of the current stripe; returns how many. */
  #take(bytes: Uint8Array): number {
    const scraps = this.#scraps;
    const isGathering = scraps.sizeBytes > 0 || this.#context.pools.isBusy;
    if (this.#batch !== undefined || !isGathering) {
      return this.#fill((this.#batch ??= this.#newBatch()), bytes);
    }
    const left = stripeBytes(this.#geometry) - scraps.sizeBytes;
    const taken = Math.min(bytes.length, left);
    // Of later stripes than the first.
    const isUnderWay = this.#sizeBytes >= stripeBytes(this.#geometry);
    scraps.take(taken === bytes.length ? bytes : bytes.subarray(0, taken), isUnderWay);
    if (taken === left) this.#useScraps();
    return taken;
  }

  #useScraps(): void {
    const batch = this.#newBatch();
    this.#batch = batch;
    for (const piece of this.#scraps.data()) this.#fill(batch, piece);
    this.#scraps.release();
  }

  #fill(batch: StripeBatch, bytes: Uint8Array): number {
    const taken = batch.fill(bytes);
    const stripe = batch.completedStripe();
    if (stripe !== undefined) this.#queue(stripe);
    return taken;
  }

  #queue({ units, geometry }: FilledStripe): void {
    this.#context.codec.encode(units, geometry);
    const { unitBytes } = geometry;
    for (const [index, slot] of this.#slots.entries()) {
      slot.queue(units.subarray(index * unitBytes, (index + 1) * unitBytes));
    }
    void this.#open();
  }

  async #send(batch: StripeBatch): Promise<void> {
    await this.#open();
    await this.#sending;
    this.#requireQuorum();
    // Slots never reject, so neither does this.
    this.#sending = this.#append(batch);
    this.#batch = undefined;
  }

  async #append(batch: StripeBatch): Promise<void> {
    await this.#onDrives((slot) => slot.append());
    crashPoint("set.half-written");
    this.#giveBack(batch);
  }

  #newBatch(): StripeBatch {
    const { unitBytes } = this.#geometry;
    const { pools } = this.#context;
    const sizeBytes =
      (pools.isBusy ? 1 : STRIPES_PER_WINDOW) * shardCount(this.#geometry) * unitBytes;
    return new StripeBatch(pools.acquire(sizeBytes), this.#geometry);
  }

  #giveBack(batch = this.#batch): void {
    if (batch === undefined) return;
    const { pools } = this.#context;
    // A call that was given up may read the buffer still: it is never used again.
    if (this.#slots.some((slot) => slot.isStuck)) pools.abandon(batch.buffer);
    else pools.release(batch.buffer);
  }

  #renderFooters(summary: SetSummary): readonly Uint8Array[] {
    const digests = this.#slots.map((slot) => slot.sealer.digest());
    const unitsBytes = shardUnitsBytes(this.#geometry, this.#sizeBytes);
    const blockCount = stripeCount(this.#geometry, this.#sizeBytes);
    const footer: ShardSetFooter = {
      ...summary,
      dataBytes: this.#sizeBytes,
      digests,
      createdAt: summary.createdAt ?? this.#context.clock.now(),
      part: this.#purpose.part,
    };
    const offset = footerOffset(this.#headerBytes, unitsBytes, blockCount);
    return renderShardFooters(this.#setId, footer, offset);
  }

  #hasQuorum(): boolean {
    return this.#slots.filter((slot) => slot.isGood).length >= this.#quorum;
  }

  #requireQuorum(): void {
    if (!this.#hasQuorum()) throw this.#quorumError();
  }

  #quorumError(): S3Error {
    const errors = this.#slots.filter((slot) => !slot.isGood).map((slot) => slot.error);
    return quorumError(this.#geometry, errors);
  }
}
