// What a route of the admin API is, and what it works with.

import type { ServerResponse } from "node:http";
import type { WireRequest } from "../core/wire-request.ts";
import type { CountsView } from "../telemetry/summed-counts.ts";
import type { AdminCatalog } from "./admin-catalog.ts";
import type { AdminDrives } from "./admin-drives.ts";
import type { AdminHealing } from "./admin-healing.ts";
import type { AdminJobs } from "./admin-jobs.ts";
import type { AdminKeys } from "./admin-keys.ts";
import type { AdminNodes } from "./admin-nodes.ts";
import type { AdminQuotas } from "./admin-quotas.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import type { JobDesk } from "./job-desk.ts";
import type { OtherProcesses } from "./process-metrics.ts";
import type { RouteSchema } from "./route-schema.ts";
import type { StatusBoard } from "./status-board.ts";
import type { ServerFacts } from "./status-report.ts";

/** What routes work with. */
export interface AdminContext {
  readonly board: StatusBoard;
  readonly catalog: AdminCatalog;
  readonly desk: JobDesk;
  readonly drives: AdminDrives;
  readonly facts: ServerFacts;
  readonly healing: AdminHealing;
  readonly jobs: AdminJobs;
  readonly keys: AdminKeys;
  readonly nodes: AdminNodes;
  readonly quotas: AdminQuotas;
  readonly counts: CountsView;
  /** Those that serve beside this one. */
  readonly others: () => OtherProcesses;
  readonly sessions: BrowserSessions;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

export interface AdminCall {
  readonly context: AdminContext;
  readonly request: WireRequest;
  /** What the route's schema names, each at most once, decoded. */
  readonly query: ReadonlyMap<string, string>;
  /** Verified against the signature; empty where there is none. */
  readonly body: Buffer;
  readonly out: ServerResponse;
}

/**
 * "root": signed by the root key; a GET also from a browser that signed in. "session": from such a browser alone.
 * "metrics": as "root", or with the token, or anyone where it is public. "public": anyone, and no body is read.
 */
export type RouteAccess = "metrics" | "public" | "root" | "session";

export interface AdminRoute {
  readonly method: "DELETE" | "GET" | "POST";
  readonly path: string;
  readonly access: RouteAccess;
  /** How often it may be tried without proof is bounded. */
  readonly isSignIn?: boolean;
  readonly schema: RouteSchema;
  readonly handle: (call: AdminCall) => Promise<void>;
}
