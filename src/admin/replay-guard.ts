// Requests that start something are obeyed once: their signatures are remembered for as long as their date is good.
// A client that asks for the same twice in a second adds a header of its own to what it signs. Bounded: when there are too
// many, new ones are refused, and none is forgotten early. Only who has the root key gets this far.

import { CLOCK_SKEW_MS_MAX } from "../core/limits.ts";
import type { Clock } from "../util/clock.ts";
import { AdminError } from "./admin-error.ts";

const SIGNATURES_MAX = 10_000;
/** A request may be dated ahead by the skew, and is good until the skew has passed once more. */
const KEEP_MS = 2 * CLOCK_SKEW_MS_MAX;

export class ReplayGuard {
  readonly #clock: Clock;
  /** When each may be forgotten, in monotonic milliseconds; oldest first. */
  readonly #forgetAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the Authorization header of a request whose signature was found good. @throws AdminError when it was seen. */
  take(authorization: string): void {
    const now = this.#clock.monotonic();
    this.#forget(now);
    const signature = /Signature=\s*([^,\s]+)/.exec(authorization)?.[1] ?? authorization;
    if (this.#forgetAt.has(signature)) {
      throw new AdminError(403, "RequestReplayed", "this very request was made before");
    }
    if (this.#forgetAt.size >= SIGNATURES_MAX) {
      throw new AdminError(503, "SlowDown", "too many requests of late; try again in a while");
    }
    this.#forgetAt.set(signature, now + KEEP_MS);
  }

  #forget(now: number): void {
    for (const [signature, until] of this.#forgetAt) {
      if (until > now) return;
      this.#forgetAt.delete(signature);
    }
  }
}
