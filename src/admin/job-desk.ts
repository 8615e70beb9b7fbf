// Jobs that somebody asked for, while they run: one of a kind at a time, and what was last heard of each.

import { AdminError } from "./admin-error.ts";
import type { Emit } from "./admin-jobs.ts";

export type JobName = "compact" | "sweep" | "verify";

export interface JobStatus {
  readonly name: JobName;
  readonly startedAt: string;
  /** What it said of its progress last. */
  readonly progress: object | undefined;
}

interface RunningJob {
  readonly startedAt: string;
  progress: object | undefined;
}

export class JobDesk {
  readonly #running = new Map<JobName, RunningJob>();
  readonly #now: () => number;

  /** `now`: wall time in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get running(): readonly JobStatus[] {
    return [...this.#running].map(([name, job]) => ({ name, ...job }));
  }

  /** @throws AdminError 409 when one of that name runs already, and whatever `work` throws. */
  async run(name: JobName, emit: Emit, work: (emit: Emit) => Promise<object>): Promise<object> {
    if (this.#running.has(name)) {
      throw new AdminError(409, "JobRunning", `a ${name} is under way already; one at a time`);
    }
    const startedAt = new Date(this.#now()).toISOString();
    const job: RunningJob = { startedAt, progress: undefined };
    this.#running.set(name, job);
    try {
      return await work((type, line) => {
        if (type === "progress") job.progress = line;
        return emit(type, line);
      });
    } finally {
      this.#running.delete(name);
    }
  }
}
