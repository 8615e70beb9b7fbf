// The admin API's routes, all of them, as data: method, path, who may, and what is done. What is not here answers 404.

import type { ServerResponse } from "node:http";
import type { RequestCounts } from "../telemetry/request-counts.ts";
import { toAdminError } from "./admin-error.ts";
import type { AdminJobs, Emit } from "./admin-jobs.ts";
import { flagField, parseFields, textField } from "./admin-request.ts";
import type { JobDesk, JobName } from "./job-desk.ts";
import { LineStream } from "./line-stream.ts";
import type { StatusBoard } from "./status-board.ts";

/** What routes work with. */
export interface AdminContext {
  readonly board: StatusBoard;
  readonly desk: JobDesk;
  readonly jobs: AdminJobs;
  readonly counts: RequestCounts;
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

/** Many who scrape cost no more than one a second. */
const METRICS_AGE_MS_MAX = 1_000;

export const ADMIN_ROUTES: readonly AdminRoute[] = [
  { method: "GET", path: "/v1/status", access: "root", handle: sendStatus },
  { method: "GET", path: "/metrics", access: "metrics", handle: sendMetrics },
  { method: "POST", path: "/v1/verify", access: "root", handle: verify },
  { method: "POST", path: "/v1/compact", access: "root", handle: compact },
  { method: "POST", path: "/v1/sweep", access: "root", handle: sweep },
];

async function sendStatus({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, await context.board.read());
}

async function sendMetrics({ context, out }: AdminCall): Promise<void> {
  // Loaded when somebody asks for the first time: most servers are never scraped.
  const { renderMetrics } = await import("./metrics-page.ts");
  const page = await renderMetrics(await context.board.read(METRICS_AGE_MS_MAX), context.counts);
  const bytes = Buffer.from(page.text);
  out.writeHead(200, { "content-type": page.contentType, "content-length": bytes.length });
  out.end(bytes);
}

async function verify(call: AdminCall): Promise<void> {
  const fields = parseFields(call.body, ["bucket", "prefix"]);
  const query = { bucket: textField(fields, "bucket"), prefix: textField(fields, "prefix") };
  const { jobs } = call.context;
  await runJob(call, "verify", (emit, signal) => jobs.verify(query, emit, signal));
}

async function compact(call: AdminCall): Promise<void> {
  const isAll = flagField(parseFields(call.body, ["all"]), "all");
  const { jobs } = call.context;
  await runJob(call, "compact", (emit, signal) => jobs.compact({ isAll }, emit, signal));
}

async function sweep(call: AdminCall): Promise<void> {
  const isDryRun = flagField(parseFields(call.body, ["dryRun"]), "dryRun");
  const { jobs } = call.context;
  await runJob(call, "sweep", (emit, signal) => jobs.sweep({ isDryRun }, emit, signal));
}

/** Streams what a job says; its client's going away, or the server's closing, ends it. */
async function runJob(
  { context, out }: AdminCall,
  name: JobName,
  work: (emit: Emit, signal: AbortSignal) => Promise<object>,
): Promise<void> {
  const stream = new LineStream(out);
  const signal = AbortSignal.any([stream.signal, context.closing]);
  try {
    const emit: Emit = (type, line) => stream.send(type, line);
    stream.end(await context.desk.run(name, emit, (heard) => work(heard, signal)));
  } catch (error) {
    stream.fail(toAdminError(error));
    throw error;
  }
}

export function sendJson(out: ServerResponse, status: number, value: object): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  out.writeHead(status, { "content-type": "application/json", "content-length": bytes.length });
  out.end(bytes);
}
