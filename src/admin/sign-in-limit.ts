// How often somebody may fail to sign in: a few times a minute from one address, and not much oftener from all of them.
// Bounded, for what is remembered is no more than what is let through.

import type { Clock } from "../util/clock.ts";
import { isOwnMachine } from "../util/own-machine.ts";
import { AdminError } from "./admin-error.ts";

const WINDOW_MS = 60_000;
const FAILURES_MAX = 10;
/** Of all other machines together: a network has many addresses. Whoever is on this machine is not kept out by them. */
const FOREIGN_FAILURES_MAX = 50;

export class SignInLimit {
  readonly #clock: Clock;
  #failures: readonly { readonly address: string; readonly at: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws AdminError 429 */
  check(address: string): void {
    const now = this.#clock.monotonic();
    this.#failures = this.#failures.filter(({ at }) => now - at < WINDOW_MS);
    const own = this.#failures.filter((failure) => failure.address === address).length;
    const foreign = this.#failures.filter((failure) => !isOwnMachine(failure.address)).length;
    const isRefused =
      own >= FAILURES_MAX || (!isOwnMachine(address) && foreign >= FOREIGN_FAILURES_MAX);
    if (!isRefused) return;
    throw new AdminError(429, "SlowDown", "too many sign-ins failed of late: wait a minute");
  }

  failed(address: string): void {
    this.#failures = [...this.#failures, { address, at: this.#clock.monotonic() }];
  }
}
