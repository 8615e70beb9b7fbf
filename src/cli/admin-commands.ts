// The commands that ask a server's admin API: status, verify, compact, sweep. Each resolves to its exit code: 0 all well,
// 1 something is not. Whoever cannot be asked, or refuses, is an AdminRefusal, which ends the command with 2.

import {
  AdminClient,
  AdminRefusal,
  type AdminClientOptions,
  type AdminLine,
} from "./admin-client.ts";
import { plainText } from "./plain-text.ts";
import { ProgressLine, type Terminal } from "./progress-line.ts";
import { renderFields, renderFieldsShort } from "./render-fields.ts";
import { renderStatus } from "./render-status.ts";
import {
  isCleanReport,
  renderFinding,
  renderVerifyProgress,
  renderVerifyReport,
} from "./render-verify.ts";
import { isStatusAnswer } from "./status-answer.ts";

const WELL = 0;
const NOT_WELL = 1;

export interface CommandContext extends AdminClientOptions {
  readonly isJson: boolean;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
}

/** @throws AdminRefusal */
export async function showStatus(context: CommandContext): Promise<number> {
  const answer = await new AdminClient(context).get("/v1/status");
  if (!isStatusAnswer(answer)) {
    throw new AdminRefusal("the server's status is of a form that this version does not know");
  }
  const text = context.isJson
    ? `${JSON.stringify(answer)}\n`
    : renderStatus(answer).split("\n").map(plainText).join("\n");
  context.stdout.write(text);
  return answer.isWell ? WELL : NOT_WELL;
}

/** `place`: a bucket, or a bucket and a prefix behind a slash; undefined: everything. @throws AdminRefusal */
export async function verify(context: CommandContext, place: string | undefined): Promise<number> {
  const [bucket, prefix] = place?.split(/\/(.*)/s) ?? [];
  const query = { bucket, ...(prefix === undefined || prefix === "" ? {} : { prefix }) };
  const report = await runJob(context, "/v1/verify", query, renderVerifyProgress);
  if (!context.isJson) context.stdout.write(renderVerifyReport(report));
  return isCleanReport(report) ? WELL : NOT_WELL;
}

/** @throws AdminRefusal */
export async function compact(context: CommandContext, isAll: boolean): Promise<number> {
  return runPlain(context, "compact", { all: isAll });
}

/** @throws AdminRefusal */
export async function sweep(context: CommandContext, isDryRun: boolean): Promise<number> {
  return runPlain(context, "sweep", { dryRun: isDryRun });
}

/** A job whose report is shown as it is. */
async function runPlain(
  context: CommandContext,
  name: "compact" | "sweep",
  query: object,
): Promise<number> {
  const report = await runJob(context, `/v1/${name}`, query, (line) =>
    renderFieldsShort(name, line),
  );
  if (!context.isJson) context.stdout.write(renderFields(report));
  const isDone = report["isComplete"] !== false && report["refusal"] === undefined;
  return isDone ? WELL : NOT_WELL;
}

/** Findings as they come, to standard output; with --json those and the report as one JSON object a line. */
async function runJob(
  { stdout, stderr, isJson, ...options }: CommandContext,
  path: string,
  query: object,
  renderProgress: (line: AdminLine) => string,
): Promise<AdminLine> {
  const progress = new ProgressLine(stderr);
  const print = (text: string): void => {
    progress.clear();
    stdout.write(`${text}\n`);
  };
  try {
    const report = await new AdminClient(options).run(path, query, (line) => {
      if (line.type === "progress") progress.show(renderProgress(line));
      if (line.type === "finding") print(isJson ? JSON.stringify(line) : renderFinding(line));
    });
    if (isJson) print(JSON.stringify(report));
    return report;
  } finally {
    progress.clear();
  }
}
