// The packs of this process: one that is open at a time, and those before it until they are sealed. Objects come in groups:
// while one group is on its way to the drives, the next gathers.
//
// Invariant: the metadata hears that a pack is sealed, and that it may go when nothing names it, only after every change
// that was to name something in it is over. Where the end of one is not known, that is left to the next start.

import type { SetId } from "../core/ids.ts";
import { S3Error } from "../core/s3-error.ts";
import type { PackEntry } from "../datanode/shard-format.ts";
import type { NewContent } from "../metadata/metadata-store.ts";
import { crashPoint } from "../util/crash-point.ts";
import { withDeadline } from "../util/deadline.ts";
import { openPack, type EntryOutcome, type OpenPack, type PackContext } from "./open-pack.ts";
import { PackGathering } from "./pack-gathering.ts";
import type { PackedBytes } from "./packed-bytes.ts";

/** Data of a group at most, unless a single object is larger. */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
/** Objects of a group at most. */
const GROUP_COUNT_MAX = 256;
/** A pack that had to do without a drive is ended for one with it, but not more often. */
const OUTDATED_MS_MIN = 5_000;
/** A group that failed sooner than this is tried once more, in another pack. */
const AGAIN_MS_MAX = 2_000;
/** How long the end of the store waits for changes that are under way. */
const CLOSE_MS_MAX = 5_000;

export type PackedContent = Extract<NewContent, { readonly kind: "packed" }>;

export interface PackRequest {
  readonly entry: PackEntry;
  /** Ended. Taken over: given back when they are durable, or have failed to be. */
  readonly bytes: PackedBytes;
  /** For what may go to drives that are full up to their reserve. */
  readonly usesReserve?: boolean | undefined;
}

interface Waiting extends PackRequest {
  readonly resolve: (content: PackedContent) => void;
  readonly reject: (error: unknown) => void;
}

export class Packs {
  readonly #context: PackContext;
  readonly #queue: Waiting[] = [];
  readonly #sealAsks: (() => void)[] = [];
  /** All that may have entries that are not settled. */
  readonly #packs = new Map<SetId, OpenPack>();
  /** Of each pack that is not over: no layout is retired by which it lies. */
  readonly #holds = new Map<SetId, () => void>();
  readonly #retiring = new Set<Promise<void>>();
  /** Of which the metadata could not be told that they are sealed. */
  #untold: OpenPack[] = [];
  readonly #gathering = new PackGathering(() => this.#wake());
  #open: OpenPack | undefined;
  #isRunning = false;
  #isClosed = false;

  constructor(context: PackContext) {
    this.#context = context;
  }

  /** Says that bytes for a pack begin to come: those that wait may wait for them. To be told when they no longer do. */
  announce(): () => void {
    return this.#gathering.announce();
  }

  /**
   * Appends to a pack; resolves when it is durable. The content must be settled, once.
   * @throws S3Error ServiceUnavailable, InsufficientStorage
   */
  add(request: PackRequest): Promise<PackedContent> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        request.bytes.release();
        reject(new S3Error("ServiceUnavailable", { cause: new Error("the store is closed") }));
        return;
      }
      const { entry, bytes, usesReserve } = request;
      this.#gathering.enter();
      this.#queue.push({ entry, bytes, usesReserve, resolve, reject });
      this.#wake();
    });
  }

  /** Says how the change ended that was to name the content; other content is no concern of packs. */
  settle(content: NewContent, outcome: EntryOutcome): void {
    if (content.kind !== "packed") return;
    this.#gathering.leave();
    this.#packs.get(content.set.id)?.settle(outcome);
  }

  /** Ends the open pack, so that it can be compacted; resolves when the metadata knows of it and those before. */
  async sealOpen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#sealAsks.push(resolve);
      this.#wake();
    });
    await Promise.all(this.#retiring);
  }

  /** Ends the open pack; refuses what comes later. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#gathering.end();
    await withDeadline(this.sealOpen(), {
      timeoutMs: CLOSE_MS_MAX,
      onTimeout: () => new Error("packs are still being written"),
    }).catch((error: unknown) => {
      this.#context.logger.warn({ err: error }, "a pack is left open: the next start seals it");
    });
  }

  #wake(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#isDue()) {
      // At the end all that came before it is written first.
      const isEarly = this.#isClosed && this.#queue.length > 0;
      const asks = isEarly ? [] : this.#sealAsks.splice(0);
      if (asks.length > 0 && this.#open !== undefined) this.#retire(this.#open);
      for (const ask of asks) ask();
      const group = this.#takeGroup();
      if (group.length === 0) continue;
      this.#gathering.end();
      await this.#write(group);
    }
    this.#isRunning = false;
  }

  #isDue(): boolean {
    if (this.#sealAsks.length > 0) return true;
    if (this.#queue.length === 0) return false;
    const isFull = this.#groupSize() < this.#queue.length;
    return this.#isClosed || isFull || !this.#gathering.holds(this.#queue.length);
  }

  #takeGroup(): readonly Waiting[] {
    return this.#queue.splice(0, this.#groupSize());
  }

  /** How many of those that wait go together. */
  #groupSize(): number {
    let sizeBytes = 0;
    let count = 0;
    for (const { entry } of this.#queue) {
      sizeBytes += entry.sizeBytes;
      if (count > 0 && (sizeBytes > GROUP_BYTES_MAX || count >= GROUP_COUNT_MAX)) break;
      count += 1;
    }
    return count;
  }

  /** Settles all of the group; never rejects. */
  async #write(group: readonly Waiting[]): Promise<void> {
    const { clock } = this.#context;
    const startedAt = clock.monotonic();
    const stuck: OpenPack[] = [];
    try {
      let pack = await this.#packFor(group);
      const wasUsed = pack.entryCount > 0;
      try {
        await this.#append(pack, group, stuck);
      } catch (error) {
        // It may be the pack that is bad, and not the drives: nodes that were restarted have none open.
        if (!wasUsed || clock.monotonic() - startedAt > AGAIN_MS_MAX) throw error;
        pack = await this.#packFor(group);
        await this.#append(pack, group, stuck);
      }
    } catch (error) {
      for (const { reject } of group) {
        this.#gathering.leave();
        reject(error);
      }
    } finally {
      this.#gathering.note(clock.monotonic() - startedAt);
      for (const { bytes } of group) bytes.release(stuck.length > 0);
    }
  }

  async #append(pack: OpenPack, group: readonly Waiting[], stuck: OpenPack[]): Promise<void> {
    try {
      for (const { bytes } of group) bytes.cutAs(pack.geometry, stuck.length > 0);
      const writes = group.map(({ entry, bytes }) => ({ entry, stripes: bytes.stripes }));
      const offsets = await pack.append(writes);
      const { set } = pack;
      for (const [position, { resolve }] of group.entries()) {
        resolve({ kind: "packed", set, offset: offsets[position] ?? 0 });
      }
    } finally {
      if (pack.isStuck) stuck.push(pack);
      if (!pack.canGrow || pack.dataBytes >= this.#context.limits.packSealBytes) {
        this.#retire(pack);
      }
    }
  }

  async #packFor(group: readonly Waiting[]): Promise<OpenPack> {
    const known = this.#open;
    if (known !== undefined && !this.#isOutdated(known)) return known;
    if (known !== undefined) this.#retire(known);
    const usesReserve = group.some((waiting) => waiting.usesReserve === true);
    const pack = await openPack(this.#context, usesReserve);
    // Those for whom it was opened are counted until here: nothing can have taken it for over.
    this.#holds.set(pack.setId, this.#context.writings.hold(pack.layoutVersion));
    this.#open = pack;
    this.#packs.set(pack.setId, pack);
    return pack;
  }

  #isOutdated(pack: OpenPack): boolean {
    if (pack.layoutVersion !== this.#context.drives.written.version) return true;
    const age = this.#context.clock.monotonic() - pack.openedAt;
    return age >= OUTDATED_MS_MIN && pack.isOutdated;
  }

  /** Nothing is appended any more; the rest goes on by itself. */
  #retire(pack: OpenPack): void {
    if (this.#open === pack) this.#open = undefined;
    const done = this.#finish(pack).finally(() => this.#retiring.delete(done));
    this.#retiring.add(done);
  }

  /** Never rejects. */
  async #finish(pack: OpenPack): Promise<void> {
    if (pack.entryCount === 0) {
      this.#packs.delete(pack.setId);
      await pack.discard();
      return this.#release(pack);
    }
    await pack.seal();
    await pack.settled();
    this.#packs.delete(pack.setId);
    // A change of which nobody knows may still be made; what it names must not be gone by then.
    if (pack.isDoubtful) return this.#release(pack);
    crashPoint("pack.before-sealed");
    const packs = [...this.#untold, pack];
    this.#untold = [];
    for (const each of packs) await this.#tellSealed(each);
  }

  async #tellSealed(pack: OpenPack): Promise<void> {
    const { setId, objectBytes } = pack;
    try {
      const outcome = await this.#context.metadata.sealPack(setId, objectBytes);
      // What was named once is forgotten only by metadata that has rotted, and can be made anew.
      if (outcome === "unknown" && !pack.wasNamed) await pack.discard();
      this.#release(pack);
    } catch (err) {
      this.#context.logger.warn({ err, setId }, "the metadata could not be told of a sealed pack");
      this.#untold.push(pack);
    }
  }

  #release({ setId }: OpenPack): void {
    this.#holds.get(setId)?.();
    this.#holds.delete(setId);
  }
}
