// Whether the wall clock may be believed before rules remove anything by it. A clock that jumps a year ahead, by a bad time
// server or a dead battery, would have everything expire at once: so what happens in the background waits for a day after
// a jump, in which somebody may put the clock right. Setting it back does no harm: less is due then.
//
// While the process runs, the wall clock must go with the monotonic one. Over a restart it is compared with the time that
// was noted last, and may be further ahead: servers are switched off for weeks.

import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { inHaste } from "../util/lab-haste.ts";

export interface ClockGuardParts {
  readonly metadata: Pick<MetadataStore, "findProgress" | "putProgress">;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DAY_MS = 86_400_000;
const JUMP_MS_MAX = 2 * DAY_MS;
const ABSENCE_MS_MAX = 31 * DAY_MS;
/** Of monotonic time. */
const HOLD_MS = inHaste(DAY_MS);
const NOTE_EVERY_MS = DAY_MS / 4;
const JOB = "lifecycle-clock";

/** A time on both clocks. */
interface Reading {
  readonly wall: number;
  readonly monotonic: number;
}

export class ClockGuard {
  readonly #parts: ClockGuardParts;
  #trusted: Reading | undefined;
  #distrustedSince: number | undefined;
  #notedWall = Number.NEGATIVE_INFINITY;

  constructor(parts: ClockGuardParts) {
    this.#parts = parts;
  }

  /** Whether rules may act by the clock as it is. */
  async isTrusted(): Promise<boolean> {
    const now = this.#read();
    const jumpMs = await this.#jump(now);
    if (jumpMs === undefined) {
      await this.#trust(now);
      return true;
    }
    this.#distrustedSince ??= this.#tell(now, jumpMs);
    if (now.monotonic - this.#distrustedSince < HOLD_MS) return false;
    await this.#trust(now);
    return true;
  }

  /** The clock is as somebody wants it to be. */
  async trust(): Promise<void> {
    await this.#trust(this.#read());
  }

  #read(): Reading {
    const { clock } = this.#parts;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  /** How far the wall clock is ahead of what it should be; undefined: not too far. */
  async #jump({ wall, monotonic }: Reading): Promise<number | undefined> {
    const trusted = this.#trusted;
    if (trusted !== undefined) {
      const aheadMs = wall - trusted.wall - (monotonic - trusted.monotonic);
      return aheadMs > JUMP_MS_MAX ? aheadMs : undefined;
    }
    const noted = Number((await this.#parts.metadata.findProgress(JOB)) ?? wall);
    return wall - noted > ABSENCE_MS_MAX ? wall - noted : undefined;
  }

  /** Returns the monotonic time from which on it is distrusted. */
  #tell({ monotonic }: Reading, jumpMs: number): number {
    this.#parts.logger.error(
      { aheadDays: Math.round(jumpMs / DAY_MS) },
      "the clock is far ahead of where it was: lifecycle rules wait for a day before they remove anything by it",
    );
    return monotonic;
  }

  async #trust(now: Reading): Promise<void> {
    this.#trusted = now;
    this.#distrustedSince = undefined;
    if (Math.abs(now.wall - this.#notedWall) < NOTE_EVERY_MS) return;
    this.#notedWall = now.wall;
    await this.#parts.metadata.putProgress(JOB, String(now.wall));
  }
}
