// What a route of the admin API is, and what it works with.

import type { ServerResponse } from "node:http";
import type { CountsView } from "../telemetry/summed-counts.ts";
import type { AdminHealing } from "./admin-healing.ts";
import type { AdminJobs } from "./admin-jobs.ts";
import type { AdminKeys } from "./admin-keys.ts";
import type { AdminQuotas } from "./admin-quotas.ts";
import type { JobDesk } from "./job-desk.ts";
import type { OtherProcesses } from "./process-metrics.ts";
import type { StatusBoard } from "./status-board.ts";

/** What routes work with. */
export interface AdminContext {
  readonly board: StatusBoard;
  readonly desk: JobDesk;
  readonly healing: AdminHealing;
  readonly jobs: AdminJobs;
  readonly keys: AdminKeys;
  readonly quotas: AdminQuotas;
  readonly counts: CountsView;
  /** Those that serve beside this one. */
  readonly others: () => OtherProcesses;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

export interface AdminCall {
  readonly context: AdminContext;
  /** Verified against the signature; empty for the metrics. */
  readonly body: Buffer;
  readonly out: ServerResponse;
}

export interface AdminRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** "root": signed by the root key. "metrics": that, or the token, or anyone where it is public. */
  readonly access: "metrics" | "root";
  readonly handle: (call: AdminCall) => Promise<void>;
}
