// How many clients' bytes the drives are asked for at a time. Without a bound a crowd fills the queues of all drives: calls
// miss their deadlines there and drives that have nothing are set aside. Here those that wait hold no buffer, have asked
// no drive, and nobody is late; how many there are is bounded by the budget that admits them. Several processes that ask
// the same drives have a part each.

import { CONNECTIONS_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import { Limiter, LimiterFullError } from "../util/limiter.ts";

/** Windows of large readings, and batches of large uploads: enough to keep a dozen drives busy. */
const AT_A_TIME = 64;
/** Windows of small readings, which do not wait behind large ones. */
const SMALL_AT_A_TIME = 256;
/** A part is no less than this share of the whole: connections are not always spread evenly. */
const PART_MIN = 1 / 8;

export class DriveTurns {
  readonly #reads: Limiter;
  readonly #smallReads: Limiter;
  readonly #writes: Limiter;

  /** @param processCount How many have a part. */
  constructor(processCount = 1) {
    const part = Math.max(1 / processCount, PART_MIN);
    const concurrency = Math.ceil(AT_A_TIME * part);
    const smallConcurrency = Math.ceil(SMALL_AT_A_TIME * part);
    // Readings that wait: as many as there may be connections.
    const queueMax = CONNECTIONS_MAX;
    this.#reads = new Limiter({ concurrency, queueMax });
    this.#smallReads = new Limiter({ concurrency: smallConcurrency, queueMax });
    // Each upload waits for one turn at a time: connections bound them.
    this.#writes = new Limiter({ concurrency, queueMax: Infinity });
  }

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
