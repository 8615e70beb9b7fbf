// The client of bench/open-load.ts, as a script uses it.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { OpenJob, OpenOutcome } from "../../bench/open-load.ts";

export class OpenLoader {
  readonly #child: ChildProcess = fork(new URL("../../bench/open-load.ts", import.meta.url), {
    execArgv: ["--import", "tsx"],
  });

  /** @throws at answers that are not as they must be. */
  async run(job: OpenJob): Promise<OpenOutcome> {
    this.#child.send(job);
    const [outcome] = (await once(this.#child, "message")) as [OpenOutcome];
    if (outcome.errors.length === 0) return outcome;
    throw new Error(`${outcome.errors.length} failed: ${outcome.errors.slice(0, 3).join("; ")}`);
  }

  stop(): void {
    this.#child.kill();
  }
}
