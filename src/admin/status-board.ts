// Makes the status, at most once at a time: whoever asks meanwhile gets the same, and the metrics take one that is a
// moment old, so that many who ask cost no more than one.

import type { WorkerStatus } from "../background/worker.ts";
import type { StoreStatus } from "../store/store-status.ts";
import type { Clock } from "../util/clock.ts";
import type { AdminHealing } from "./admin-healing.ts";
import type { JobDesk } from "./job-desk.ts";
import { makeStatusReport, type ServerFacts, type StatusReport } from "./status-report.ts";

export interface StatusBoardParts {
  readonly inspect: () => Promise<StoreStatus>;
  readonly isServing: () => boolean;
  readonly facts: ServerFacts;
  /** Worker processes that serve. */
  readonly processCount: () => number;
  readonly workers: () => readonly WorkerStatus[];
  readonly healing: AdminHealing;
  readonly desk: JobDesk;
  readonly clock: Clock;
  /** Of TLS; milliseconds since 1970, undefined without TLS. */
  readonly certificateEndsAt: () => number | undefined;
}

export class StatusBoard {
  readonly #parts: StatusBoardParts;
  #making: Promise<StatusReport> | undefined;
  #last: { readonly report: StatusReport; readonly madeAt: number } | undefined;

  constructor(parts: StatusBoardParts) {
    this.#parts = parts;
  }

  /** One that is no older than `ageMsMax`. */
  read(ageMsMax = 0): Promise<StatusReport> {
    const last = this.#last;
    if (last !== undefined && this.#parts.clock.monotonic() - last.madeAt < ageMsMax) {
      return Promise.resolve(last.report);
    }
    this.#making ??= this.#make().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #make(): Promise<StatusReport> {
    const { inspect, isServing, facts, processCount, workers, healing, desk, clock } = this.#parts;
    const { certificateEndsAt } = this.#parts;
    const store = await inspect();
    const report = makeStatusReport({
      facts,
      store,
      isServing: isServing(),
      processCount: processCount(),
      workers: workers(),
      healing: healing.status(),
      jobs: desk.running,
      certificateEndsAt: certificateEndsAt(),
      now: clock.now(),
    });
    this.#last = { report, madeAt: clock.monotonic() };
    return report;
  }
}
