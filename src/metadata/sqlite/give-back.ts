// Gives back to the disk what the metadata does not need any more, when room there is short or much of the file is empty:
// a snapshot, behind which the members' records are cut, and then the empty pages of the database, a few at a time, between
// groups. Otherwise a disk that small objects have filled would stay full after they were deleted.

import { statfs } from "node:fs/promises";
import type { GroupWriter } from "./group-writer.ts";

/** How long after a group it is looked; while room is short, also without one. */
const LOOK_MS = 1_000;
/** While there is something to do. */
const STEP_MS = 50;
/** A step takes some milliseconds. */
const STEP_PAGES = 256;
/** Twice what the store keeps free for the metadata (space-watch.ts), so that room is made before writes are refused. */
const SHORT_SHARE = 0.02;
const SHORT_BYTES_MAX = 4 * 1024 ** 3;
const SHORT_BYTES_LEAST = 64 * 1024 ** 2;
const SHORT_LEAST_SHARE_MAX = 0.5;
/** Empty pages are kept for what comes, up to this share of the file. */
const EMPTY_SHARE = 0.25;
const EMPTY_PAGES_LEAST = 4_096;

export interface GiveBackOptions {
  /** On the disk that is looked at. */
  readonly folder: string;
  /** Does the work when no group is under way; not where there is no writer. */
  readonly betweenGroups: (work: (writer: GroupWriter) => void) => Promise<void>;
  /** Takes one if it is worth it, and fits; whether one is being taken now, for which everything else waits. */
  readonly takeSnapshot: (freeBytes: number) => boolean;
}

export class GiveBack {
  readonly #options: GiveBackOptions;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** There was a group since the last look began. */
  #isNoted = false;

  constructor(options: GiveBackOptions) {
    this.#options = options;
  }

  noteGroup(): void {
    this.#isNoted = true;
    this.#lookIn(LOOK_MS);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #lookIn(timeMs: number): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look(), timeMs);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const again = await this.#giveBack().catch(() => LOOK_MS);
    // Only now: one look at a time, also at a disk that hangs.
    this.#timer = undefined;
    if (again !== undefined) this.#lookIn(again);
    else if (this.#isNoted) this.noteGroup();
  }

  /** Resolves to when to look again. @throws when the disk is too full for that too, or worse: the next group will say. */
  async #giveBack(): Promise<number | undefined> {
    this.#isNoted = false;
    const { isShort, freeBytes } = await this.#space();
    if (isShort && this.#options.takeSnapshot(freeBytes)) return LOOK_MS;
    let again = isShort ? LOOK_MS : undefined;
    if (this.#isClosed) return again;
    await this.#options.betweenGroups((writer) => {
      if (step(writer, isShort)) again = STEP_MS;
    });
    return again;
  }

  async #space(): Promise<{ readonly freeBytes: number; readonly isShort: boolean }> {
    const { bavail, blocks, bsize } = await statfs(this.#options.folder);
    const totalBytes = blocks * bsize;
    const leastBytes = Math.min(SHORT_BYTES_LEAST, totalBytes * SHORT_LEAST_SHARE_MAX);
    const usualBytes = Math.min(totalBytes * SHORT_SHARE, SHORT_BYTES_MAX);
    const freeBytes = bavail * bsize;
    return { freeBytes, isShort: freeBytes < Math.max(leastBytes, usualBytes) };
  }
}

/** Whether there is more to do. */
function step(writer: GroupWriter, isShort: boolean): boolean {
  const { count, free } = writer.pages;
  const isMuch = free >= EMPTY_PAGES_LEAST && free >= count * EMPTY_SHARE;
  if (free > 0 && (isShort || isMuch)) {
    writer.giveBackPages(STEP_PAGES);
    // Without auto_vacuum nothing goes.
    if (writer.pages.free < free) return true;
  }
  if (isShort) writer.emptyWal();
  return false;
}
