// What a verification says, in words: progress, findings, report. Fields of answers are read with care: another version may
// say more or less.

import type { AdminLine } from "./admin-client.ts";
import { plainText } from "./plain-text.ts";
import { renderBytes, renderCount, renderMany, renderSeconds } from "./quantities.ts";

export function renderVerifyProgress(line: AdminLine): string {
  const done = numberOf(line, "objectsDone") + numberOf(line, "partsDone");
  const bytes = numberOf(line, "bytesDone");
  const total = findNumber(line, "bytesTotal");
  const left = findNumber(line, "secondsLeft");
  const share =
    total === undefined || total === 0
      ? ""
      : ` (${Math.min(100, Math.floor((bytes / total) * 100))}%)`;
  return (
    `verifying: ${renderCount(done)} objects and parts, ${renderBytes(bytes)}${share}, ` +
    `${renderBytes(numberOf(line, "bytesPerSecond"))}/s${left === undefined ? "" : `, ${renderSeconds(left)} left`}, ` +
    renderMany(numberOf(line, "findings"), "finding")
  );
}

/** One line: what, where, why. */
export function renderFinding(line: AdminLine): string {
  const bucket = findText(line, "bucket");
  const key = findText(line, "key");
  const entry = findText(line, "entry");
  const where = [bucket, key].flatMap((part) => part ?? []).join("/");
  const what = entry === undefined || entry === "object" ? "" : ` (${entry}${detailOf(line)})`;
  const setId = findText(line, "setId");
  const set = setId === undefined ? "" : ` [set ${setId}]`;
  const place = where === "" ? "" : ` ${where}${what}`;
  return plainText(
    `${findText(line, "kind") ?? "finding"}${place}: ${findText(line, "problem") ?? ""}${set}`,
  );
}

function detailOf(line: AdminLine): string {
  const detail: unknown = line["detail"];
  return Array.isArray(detail) && detail.length > 0 ? ` ${detail.join(".")}` : "";
}

/** With a line end after every line. */
export function renderVerifyReport(report: AdminLine): string {
  const findings = countsOf(report["findings"]);
  const total = sumOf(findings);
  const looked =
    `${renderMany(numberOf(report, "objects"), "object")}, ${renderMany(numberOf(report, "parts"), "part")}, ` +
    `${renderMany(numberOf(report, "deleteMarkers"), "delete marker")}: ${renderBytes(numberOf(report, "bytes"))}`;
  const read =
    `${renderMany(numberOf(report, "shardsRead"), "shard")} of ${renderMany(numberOf(report, "sets"), "set")}, ` +
    `${renderBytes(numberOf(report, "shardBytesRead"))}, in ${renderSeconds(numberOf(report, "elapsedMs") / 1_000)}`;
  const lines = [
    `looked at   ${looked}`,
    `read        ${read}`,
    ...unnamedLines(report["unnamed"]),
    `below full redundancy  ${renderMany(numberOf(report, "belowRedundancy"), "object or part", "objects or parts")}`,
    ...[...findings]
      .filter(([, count]) => count > 0)
      .map(([kind, count]) => `${plainText(kind)}: ${renderCount(count)}`),
    verdict(report, total),
  ];
  return `${lines.join("\n")}\n`;
}

function verdict(report: AdminLine, findingCount: number): string {
  if (report["isComplete"] !== true)
    return "NOT COMPLETE: it was cut short, nothing is known of the rest";
  return findingCount === 0 ? "clean: everything is whole" : renderMany(findingCount, "finding");
}

function unnamedLines(unnamed: unknown): readonly string[] {
  const counts = countsOf(unnamed);
  if (counts.size === 0) return [];
  const of = (name: string): string => renderCount(counts.get(name) ?? 0);
  return [
    `unnamed     ${of("orphanSets")} orphans (the sweep removes them), ${of("ownSets")} under way, ${of("unknownSets")} of unknown origin (kept)`,
  ];
}

/** Whether a verification looked at everything that was asked for, and found nothing. */
export function isCleanReport(report: AdminLine): boolean {
  return report["isComplete"] === true && sumOf(countsOf(report["findings"])) === 0;
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** The numbers among an object's fields. */
function countsOf(value: unknown): ReadonlyMap<string, number> {
  if (typeof value !== "object" || value === null) return new Map();
  return new Map(
    Object.entries(value).flatMap(([name, count]: [string, unknown]) =>
      typeof count === "number" ? [[name, count] as const] : [],
    ),
  );
}

function numberOf(line: AdminLine, name: string): number {
  return findNumber(line, name) ?? 0;
}

function findNumber(line: AdminLine, name: string): number | undefined {
  const value = line[name];
  return typeof value === "number" ? value : undefined;
}

function findText(line: AdminLine, name: string): string | undefined {
  const value = line[name];
  return typeof value === "string" ? value : undefined;
}
