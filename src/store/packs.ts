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
import { openPack, type OpenPack, type PackContext } from "./open-pack.ts";
import type { PackedBytes } from "./packed-bytes.ts";

/** Data of a group at most, unless a single object is larger. */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
/** Objects of a group at most. */
const GROUP_COUNT_MAX = 256;
/** A pack that had to do without a drive is ended for one with it, but not more often. */
const OUTDATED_MS_MIN = 5_000;
/** How long the end of the store waits for changes that are under way. */
const CLOSE_MS_MAX = 5_000;

export type PackedContent = Extract<NewContent, { readonly kind: "packed" }>;

export interface PackRequest {
  readonly entry: PackEntry;
  /** Ended. Taken over: given back when they are durable, or have failed to be. */
  readonly bytes: PackedBytes;
  /** For what may go to drives that are full up to their reserve. */
  readonly usesReserve?: boolean;
}

interface Waiting extends PackRequest {
  readonly resolve: (content: PackedContent) => void;
  readonly reject: (error: unknown) => void;
}

export class Packs {
  readonly #context: PackContext;
  readonly #queue: Waiting[] = [];
  readonly #sealAsks: ((done: Promise<void>) => void)[] = [];
  /** All that may have entries that are not settled. */
  readonly #packs = new Map<SetId, OpenPack>();
  readonly #retiring = new Set<Promise<void>>();
  #open: OpenPack | undefined;
  #isRunning = false;
  #isClosed = false;

  constructor(context: PackContext) {
    this.#context = context;
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
      this.#queue.push({ ...request, resolve, reject });
      this.#wake();
    });
  }

  /** Says how the change ended that was to name the content; other content is no concern of packs. */
  settle(content: NewContent, outcome: "doubtful" | "known"): void {
    if (content.kind === "packed") this.#packs.get(content.set.id)?.settle(outcome);
  }

  /** Ends the open pack, so that the metadata may have it compacted; resolves when it knows. */
  async sealOpen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#sealAsks.push((done) => void done.then(resolve, reject));
      this.#wake();
    });
  }

  /** Ends the open pack; refuses what comes later. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const sealAll = async (): Promise<void> => {
      await this.sealOpen();
      await Promise.all(this.#retiring);
    };
    await withDeadline(sealAll(), {
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
    while (this.#queue.length + this.#sealAsks.length > 0) {
      const asks = this.#sealAsks.splice(0);
      if (asks.length > 0) {
        const done = this.#open === undefined ? Promise.resolve() : this.#retire(this.#open);
        for (const ask of asks) ask(done);
      }
      const group = this.#takeGroup();
      if (group.length > 0) await this.#write(group);
    }
    this.#isRunning = false;
  }

  #takeGroup(): readonly Waiting[] {
    let sizeBytes = 0;
    let count = 0;
    for (const { entry } of this.#queue) {
      sizeBytes += entry.sizeBytes;
      if (count > 0 && (sizeBytes > GROUP_BYTES_MAX || count >= GROUP_COUNT_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    let isStuck = false;
    try {
      const pack = await this.#packFor(group);
      try {
        const writes = group.map(({ entry, bytes }) => ({ entry, stripes: bytes.stripes }));
        const offsets = await pack.append(writes);
        const { set } = pack;
        for (const [position, { resolve }] of group.entries()) {
          resolve({ kind: "packed", set, offset: offsets[position] ?? 0 });
        }
      } finally {
        isStuck = pack.isStuck;
        if (!pack.canGrow || pack.dataBytes >= this.#context.limits.packSealBytes) {
          void this.#retire(pack);
        }
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      for (const { bytes } of group) bytes.release(isStuck);
    }
  }

  async #packFor(group: readonly Waiting[]): Promise<OpenPack> {
    const known = this.#open;
    if (known !== undefined && !this.#isOutdated(known)) return known;
    if (known !== undefined) void this.#retire(known);
    const usesReserve = group.some((waiting) => waiting.usesReserve === true);
    const pack = await openPack(this.#context, usesReserve);
    this.#open = pack;
    this.#packs.set(pack.setId, pack);
    return pack;
  }

  #isOutdated(pack: OpenPack): boolean {
    const age = this.#context.clock.monotonic() - pack.openedAt;
    return age >= OUTDATED_MS_MIN && pack.isOutdated;
  }

  /** Nothing is appended any more. Resolves when all is said and done; rejects when the metadata could not be told. */
  #retire(pack: OpenPack): Promise<void> {
    if (this.#open === pack) this.#open = undefined;
    const { setId } = pack;
    const done = this.#finish(pack).finally(() => {
      this.#packs.delete(setId);
      this.#retiring.delete(done);
    });
    this.#retiring.add(done);
    done.catch((err: unknown) => {
      this.#context.logger.warn({ err, setId }, "a pack could not be sealed in the metadata");
    });
    return done;
  }

  async #finish(pack: OpenPack): Promise<void> {
    if (pack.entryCount === 0) return pack.discard();
    await pack.seal();
    await pack.settled();
    // A change of which nobody knows may still be made; what it names must not be gone by then.
    if (pack.isDoubtful) return;
    crashPoint("pack.before-sealed");
    const outcome = await this.#context.metadata.sealPack(pack.setId, pack.dataBytes);
    if (outcome === "unknown") await pack.discard();
  }
}
