// The slow clients' process, as the one that measures sees it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { CrowdJob, CrowdState } from "./slow-crowd.ts";

export class Crowd {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all readers have their first bytes, and all writers are connected. */
  static async gather(job: CrowdJob): Promise<Crowd> {
    const child = fork(new URL("slow-crowd.ts", import.meta.url), {
      execArgv: ["--import", "tsx"],
    });
    child.send(job);
    await once(child, "message");
    return new Crowd(child);
  }

  async state(): Promise<CrowdState> {
    this.#child.send("state");
    const [state] = (await once(this.#child, "message")) as [CrowdState];
    return state;
  }

  async disperse(): Promise<void> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
