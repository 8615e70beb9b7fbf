// Counts of the requests that were answered, by operation: what the metrics page shows. Plain numbers that a request adds
// to and that are looked at when somebody asks. Bounded: there are as many operations as the router knows, and statuses.

/** Upper bounds of the duration's buckets, in milliseconds. */
export const DURATION_BUCKETS_MS = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 120_000,
] as const;

/** What is counted of a request once it is over. */
export interface CountedRequest {
  /** Empty when it was refused before its operation was known. */
  readonly operationName: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of the body. */
  readonly receivedBytes: number;
  /** Of the answer's body. */
  readonly sentBytes: number;
}

export interface OperationCounts {
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers up to each of `DURATION_BUCKETS_MS`, not beyond the one before; the last entry: those beyond all. */
  readonly durations: Float64Array;
  readonly durationMsSum: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

interface Growing {
  readonly statuses: Map<number, number>;
  readonly durations: Float64Array;
  durationMsSum: number;
  receivedBytes: number;
  sentBytes: number;
}

export class RequestCounts {
  readonly #operations = new Map<string, Growing>();
  #openCount = 0;

  /** Requests that are being answered. */
  get openCount(): number {
    return this.#openCount;
  }

  get operations(): ReadonlyMap<string, OperationCounts> {
    return this.#operations;
  }

  /** A request has begun. Each is ended, once. */
  begin(): void {
    this.#openCount += 1;
  }

  end(request: CountedRequest): void {
    this.#openCount -= 1;
    const counts = this.#countsOf(request.operationName);
    counts.statuses.set(request.status, (counts.statuses.get(request.status) ?? 0) + 1);
    let bucket = 0;
    while (request.durationMs > (DURATION_BUCKETS_MS[bucket] ?? Number.POSITIVE_INFINITY)) {
      bucket += 1;
    }
    counts.durations[bucket] = (counts.durations[bucket] ?? 0) + 1;
    counts.durationMsSum += request.durationMs;
    counts.receivedBytes += request.receivedBytes;
    counts.sentBytes += request.sentBytes;
  }

  #countsOf(operationName: string): Growing {
    const known = this.#operations.get(operationName);
    if (known !== undefined) return known;
    const fresh: Growing = {
      statuses: new Map(),
      durations: new Float64Array(DURATION_BUCKETS_MS.length + 1),
      durationMsSum: 0,
      receivedBytes: 0,
      sentBytes: 0,
    };
    this.#operations.set(operationName, fresh);
    return fresh;
  }
}
