// The load generator's process, as the one that measures sees it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Job, Outcome } from "./load-generator.ts";

export class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(new URL("load-generator.ts", import.meta.url), {
      execArgv: ["--import", "tsx"],
    });
  }

  /** @throws Error where an answer was not as it must be. */
  async send(job: Job): Promise<Outcome> {
    const ended = new AbortController();
    const exit = once(this.#child, "exit", { signal: ended.signal });
    this.#child.send(job);
    try {
      const first = await Promise.race([once(this.#child, "message"), exit]);
      const outcome = first[0] as Outcome | number | null;
      if (outcome === null || typeof outcome === "number") throw new Error("the client ended");
      if (outcome.errors.length > 0) throw new Error(`${job.work}: ${outcome.errors.join("; ")}`);
      return outcome;
    } finally {
      ended.abort();
      await exit.catch(() => undefined);
    }
  }

  stop(): void {
    this.#child.kill();
  }
}
