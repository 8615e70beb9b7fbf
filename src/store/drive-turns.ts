// How many clients' bytes the drives are asked for at a time. Without a bound a crowd fills the queues of all drives: calls
// miss their deadlines there and drives that have nothing are set aside. Here those that wait hold no buffer, have asked
// no drive, and nobody is late; how many there are is bounded by the budget that admits them.

import { S3Error } from "../core/s3-error.ts";
import { Limiter, LimiterFullError } from "../util/limiter.ts";

/** Windows of large readings, and batches of large uploads: enough to keep a dozen drives busy. */
const AT_A_TIME = 64;
/** Windows of small readings, which do not wait behind large ones. */
const SMALL_AT_A_TIME = 256;
/** Readings that wait: as many as there may be connections. */
const WAITING_MAX = 16_384;

export class DriveTurns {
  readonly #reads = new Limiter({ concurrency: AT_A_TIME, queueMax: WAITING_MAX });
  readonly #smallReads = new Limiter({ concurrency: SMALL_AT_A_TIME, queueMax: WAITING_MAX });
  /** Each upload waits for one turn at a time: connections bound them. */
  readonly #writes = new Limiter({ concurrency: AT_A_TIME, queueMax: Infinity });

  /** @throws S3Error SlowDown when too many wait; and what the work throws */
  read<Value>(work: () => Promise<Value>, isSmall: boolean): Promise<Value> {
    return (isSmall ? this.#smallReads : this.#reads).run(work).catch(translate);
  }

  /** Rejects only as the work does. */
  write<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#writes.run(work);
  }
}

function translate(error: unknown): never {
  throw error instanceof LimiterFullError ? new S3Error("SlowDown", { cause: error }) : error;
}
