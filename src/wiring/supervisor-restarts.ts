// When a worker that died may be followed by another: the first at once, further ones after a pause that doubles, and
// none when they die again and again, for then only whoever runs the server can help.

const PERIOD_MS = 60_000;
const RESTARTS_MAX = 5;
const FIRST_PAUSE_MS = 1_000;

export class RestartPolicy {
  /** When workers were followed by others, in monotonic milliseconds. */
  #restarts: number[] = [];

  /** Milliseconds to wait before the next start; undefined: no more. Notes the restart. */
  pauseMs(now: number): number | undefined {
    this.#restarts = this.#restarts.filter((at) => now - at < PERIOD_MS);
    const count = this.#restarts.length;
    if (count >= RESTARTS_MAX) return undefined;
    this.#restarts.push(now);
    return count === 0 ? 0 : FIRST_PAUSE_MS * 2 ** (count - 1);
  }
}
