// The admin API's routes, all of them, as data: method, path, who may, and what is done. What is not here answers 404.

import { toAdminError } from "./admin-error.ts";
import type { Emit } from "./admin-jobs.ts";
import { flagField, parseFields, textField } from "./admin-request.ts";
import type { AdminCall, AdminRoute } from "./admin-route.ts";
import { CATALOG_ROUTES } from "./catalog-routes.ts";
import { DRIVE_ROUTES } from "./drive-routes.ts";
import { HEAL_ROUTES } from "./heal-routes.ts";
import type { JobName } from "./job-desk.ts";
import { compactAnswer, sweepAnswer, verifyAnswer } from "./job-schemas.ts";
import { flag, maybe, objectOf, reference, text } from "./json-schema.ts";
import { KEY_ROUTES } from "./key-routes.ts";
import { LineStream } from "./line-stream.ts";
import { NODE_ROUTES } from "./node-routes.ts";
import { QUOTA_ROUTES } from "./quota-routes.ts";
import { sendJson, sendText } from "./send-json.ts";
import { SESSION_ROUTES } from "./session-routes.ts";
import { STATUS_ID } from "./status-schema.ts";

/** Many who scrape cost no more than one a second. */
const METRICS_AGE_MS_MAX = 1_000;

export const ADMIN_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/v1/status",
    access: "root",
    schema: {
      operationId: "getStatus",
      summary: "How everything is doing",
      answer: { description: "the state of the server", schema: reference(STATUS_ID) },
    },
    handle: sendStatus,
  },
  {
    method: "GET",
    path: "/metrics",
    access: "metrics",
    schema: {
      operationId: "getMetrics",
      summary: "The same in numbers, for Prometheus",
      answer: {
        description: "Prometheus's text format",
        contentType: "text/plain",
        schema: text(),
      },
    },
    handle: sendMetrics,
  },
  {
    method: "POST",
    path: "/v1/verify",
    access: "root",
    schema: {
      operationId: "verify",
      summary: "Reads every byte and compares it",
      body: objectOf<{ readonly bucket?: string; readonly prefix?: string }>({
        bucket: maybe(text("one bucket only")),
        prefix: maybe(text("keys that begin so only")),
      }),
      answer: verifyAnswer,
    },
    handle: verify,
  },
  {
    method: "POST",
    path: "/v1/compact",
    access: "root",
    schema: {
      operationId: "compact",
      summary: "Empties packs of which much is dead",
      body: objectOf<{ readonly all?: boolean }>({
        all: maybe(flag("every pack with anything dead in it")),
      }),
      answer: compactAnswer,
    },
    handle: compact,
  },
  {
    method: "POST",
    path: "/v1/sweep",
    access: "root",
    schema: {
      operationId: "sweep",
      summary: "Removes what killed processes left",
      body: objectOf<{ readonly dryRun?: boolean }>({ dryRun: maybe(flag("only looks")) }),
      answer: sweepAnswer,
    },
    handle: sweep,
  },
  ...CATALOG_ROUTES,
  ...DRIVE_ROUTES,
  ...NODE_ROUTES,
  ...HEAL_ROUTES,
  ...KEY_ROUTES,
  ...QUOTA_ROUTES,
  ...SESSION_ROUTES,
  {
    method: "GET",
    path: "/v1/openapi.json",
    access: "public",
    schema: {
      operationId: "getOpenApi",
      summary: "This document",
      answer: { description: "OpenAPI 3.1", schema: { type: "object" } },
    },
    handle: sendOpenApi,
  },
];

let document: Promise<string> | undefined;

async function sendOpenApi({ context, out }: AdminCall): Promise<void> {
  // Made once, when somebody asks: most servers are never asked.
  document ??= import("./openapi-document.ts").then(({ renderOpenApi }) =>
    renderOpenApi(ADMIN_ROUTES, context.facts.version),
  );
  sendText(out, 200, await document);
}

async function sendStatus({ context, body, out }: AdminCall): Promise<void> {
  parseFields(body, []);
  sendJson(out, 200, await context.board.read());
}

async function sendMetrics({ context, out }: AdminCall): Promise<void> {
  // Loaded when somebody asks for the first time: most servers are never scraped.
  const { renderMetrics } = await import("./metrics-page.ts");
  const status = await context.board.read(METRICS_AGE_MS_MAX);
  const page = await renderMetrics(status, context.counts, context.others());
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
