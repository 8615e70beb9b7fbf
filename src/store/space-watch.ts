// Whether a drive, or the disk of the metadata, has more than its reserve left. Asked for in the background and kept, so
// that no request waits for it; while there is no answer, the last one stands. The reserve is for what makes room or keeps
// the rest going: deletes, metadata, repair.

import type { SpaceInfo } from "../datanode/shard-store.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface SpaceLimits {
  /** The share of a drive's bytes and inodes that is its reserve. */
  readonly reserveShare: number;
  /** The reserve of a large drive. */
  readonly reserveBytesMax: number;
  /** The reserve of a drive with very many inodes. */
  readonly reserveInodesMax: number;
  /** How often drives are asked; more often where what is left could be written in less. */
  readonly spaceEveryMs: number;
}

/** What a drive may be written with, so fast that none is faster. */
const BYTES_PER_MS_MAX = 1024 ** 2;
const SPACE_MS_MIN = 50;
/** What may be asked for beyond the share of a small disk, as a share of it. */
const LEAST_SHARE_MAX = 0.25;

export interface SpaceWatchOptions {
  /** What is watched, for the log. */
  readonly label: string;
  /** Has a deadline of its own. */
  readonly ask: () => Promise<SpaceInfo>;
  readonly limits: SpaceLimits;
  /** The reserve of a small disk, in bytes, as long as that is not most of it. */
  readonly leastBytes?: number;
  readonly logger: Logger;
}

export class SpaceWatch {
  readonly #options: SpaceWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isShort = false;
  #last: SpaceInfo | undefined;
  /** What may be written until only the reserve is left. */
  #spareBytes = 0;
  #asking: Promise<void> | undefined;

  /** Asks at once, and from then on until it is closed. */
  constructor(options: SpaceWatchOptions) {
    this.#options = options;
    void this.#watch();
  }

  /** Whether less than the reserve is left, as far as is known. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** The last answer, whatever happened since; undefined before the first. */
  get last(): SpaceInfo | undefined {
    return this.#last;
  }

  /** Takes an answer that was asked for elsewhere. */
  note(space: SpaceInfo): void {
    this.#last = space;
    this.#spareBytes = space.freeBytes - this.#reserveBytes(space);
    const isShort = this.#spareBytes < 0 || this.#lacksInodes(space);
    if (isShort === this.#isShort) return;
    this.#isShort = isShort;
    const { label, logger } = this.#options;
    if (isShort) logger.warn({ drive: label, ...space }, "a drive is full up to its reserve");
    else logger.info({ drive: label, ...space }, "a drive has room again");
  }

  /** Never rejects. Calls at the same time share one question. */
  refresh(): Promise<void> {
    this.#asking ??= this.#refresh().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #watch(): Promise<void> {
    await this.refresh();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#watch(), this.#waitMs());
    this.#timer.unref();
  }

  /** A disk on which little is left fills up in less than the usual time. */
  #waitMs(): number {
    const { spaceEveryMs } = this.#options.limits;
    if (this.#isShort) return spaceEveryMs;
    const wait = Math.max(this.#spareBytes / BYTES_PER_MS_MAX, SPACE_MS_MIN);
    return Math.min(wait, spaceEveryMs);
  }

  #reserveBytes({ totalBytes }: SpaceInfo): number {
    const { limits, leastBytes = 0 } = this.#options;
    const usual = Math.min(totalBytes * limits.reserveShare, limits.reserveBytesMax);
    return Math.max(usual, Math.min(leastBytes, totalBytes * LEAST_SHARE_MAX));
  }

  #lacksInodes({ freeInodes, totalInodes }: SpaceInfo): boolean {
    if (freeInodes === undefined || totalInodes === undefined) return false;
    const { reserveShare, reserveInodesMax } = this.#options.limits;
    return freeInodes < Math.min(totalInodes * reserveShare, reserveInodesMax);
  }

  async #refresh(): Promise<void> {
    try {
      this.note(await this.#options.ask());
    } catch {
      // Whether the drive is there at all is judged by the calls that need it.
    }
  }
}
