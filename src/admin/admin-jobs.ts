// The work that the admin API starts, as it sees it: something that reports while it runs and ends with a report. Plain
// data on both sides, for all of it goes out as JSON.

/** What a job says while it runs. Waits for a slow receiver. */
export type Emit = (type: "finding" | "progress", line: object) => Promise<void>;

/** Resolves to the report. Ends early, and says so in the report, when the signal aborts. */
type Job<Query> = (query: Query, emit: Emit, signal: AbortSignal) => Promise<object>;

export interface VerifyJobQuery {
  readonly bucket: string | undefined;
  readonly prefix: string | undefined;
}

export interface AdminJobs {
  readonly verify: Job<VerifyJobQuery>;
  /** `isAll`: every pack with anything dead in it, not only those where it pays. */
  readonly compact: Job<{ readonly isAll: boolean }>;
  /** `isDryRun`: only looks. */
  readonly sweep: Job<{ readonly isDryRun: boolean }>;
}
