// The page's tables, in Markdown.

import { figuresOf, type Figures } from "../quartiles.ts";
import type { Result } from "../results.ts";
import { OWN_NAME } from "../subjects/own-subjects.ts";
import { isMeasuredTogether } from "./measured-together.ts";
import { ratioText, rateText, variedText, workText } from "./quantities.ts";

const MIB = 1024 ** 2;

const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const keyOf = ({ work, x = 0 }: Result) => `${work} ${x}`;

function find(results: readonly Result[], own: Result, server: string): Result | undefined {
  return results.find((other) => other.server === server && keyOf(other) === keyOf(own));
}

/** Rates of large objects in MiB/s, of others in operations. */
function rateCell(result: Result | undefined): string {
  if (!result) return "-";
  const figures = figuresOf(result);
  if (!figures) return `failed: ${shortly(result.error)}`;
  const { bytesPerOperation } = result;
  const isLarge = bytesPerOperation >= 16 * MIB;
  const factor = isLarge ? bytesPerOperation / MIB : 1;
  const { low, median, high } = figures.rate;
  const unit = isLarge ? " MiB/s" : "/s";
  const range = `${rateText(low * factor)}-${rateText(high * factor)}`;
  const note = result.error === undefined ? "" : `; then failed: ${shortly(result.error)}`;
  return `${rateText(median * factor)}${unit} (${range})${note}`;
}

/** As much of an error as a cell holds. */
const shortly = (error = "") => error.replaceAll(/[|\s]+/g, " ").slice(0, 80);

/** What failed on ours, and what was measured in different runs, is not. */
function isComparable(own: Result, other: Result | undefined): boolean {
  return own.error === undefined && other !== undefined && isMeasuredTogether(own, other);
}

function ratioCell(own: Result, other: Result | undefined): string {
  const [ours, theirs] = [figuresOf(own), other && figuresOf(other)];
  if (!ours || !theirs || !isComparable(own, other)) return "-";
  const ratio = ours.rate.median / theirs.rate.median;
  return ratio < 1 ? ratioText(ratio) : `**${ratioText(ratio)}**`;
}

/** Ours and the others', with ratios. */
export function ratesTable(results: readonly Result[], servers: readonly string[]): string {
  const own = results.filter(({ server }) => server === OWN_NAME);
  const peers = servers.filter((server) => server !== OWN_NAME);
  const rows = own.map((result) => [
    workText(result.work),
    String(result.connections),
    rateCell(result),
    ...peers.flatMap((server) => {
      const other = find(results, result, server);
      return [rateCell(other), ratioCell(result, other)];
    }),
  ]);
  return table(["work", "conn.", OWN_NAME, ...peers.flatMap((name) => [name, "ratio"])], rows);
}

const optional = (value: number | undefined) => (value === undefined ? "-" : rateText(value));

/** CPU, memory and p99 of all servers; and what the generator took beside them. */
export function costsTable(results: readonly Result[], servers: readonly string[]): string {
  const own = results.filter(({ server }) => server === OWN_NAME);
  const rows = own.map((result) => {
    const all = servers.map((server) => {
      const found = find(results, result, server);
      return found && figuresOf(found);
    });
    const cells = (pick: (figures: Figures) => number | undefined) =>
      all.map((figures) => optional(figures && pick(figures))).join(" / ");
    return [
      workText(result.work),
      cells(({ cpuMicros }) => cpuMicros),
      cells(({ peakMiB }) => peakMiB),
      cells(({ p99Ms }) => p99Ms),
      cells(({ clientCpuMicros }) => clientCpuMicros),
    ];
  });
  const of = servers.join(" / ");
  return table(
    ["work", `CPU us/op: ${of}`, "peak Pss, MiB", "p99, ms", "client's CPU us/op"],
    rows,
  );
}

/** A row for each value of what is varied, a pair of columns for each work. */
export function growthTable(results: readonly Result[], varied: string): string {
  const own = results.filter(({ server }) => server === OWN_NAME);
  const kinds = [...new Set(own.map(kindOf))];
  const xs = [...new Set(own.map(({ x = 0 }) => x))].toSorted((left, right) => left - right);
  const rows = xs.map((x) => {
    const here = own.filter((result) => (result.x ?? 0) === x);
    const peaks = here.flatMap((result) => figuresOf(result)?.peakMiB ?? []);
    const cells = kinds.flatMap((kind) => {
      const result = here.find((each) => kindOf(each) === kind);
      const figures = result && figuresOf(result);
      return [rateCell(result), optional(figures?.cpuMicros), optional(figures?.p99Ms)];
    });
    const peak = peaks.length > 0 ? Math.max(...peaks) : undefined;
    return [variedText(here[0]?.section ?? "", x), ...cells, optional(peak)];
  });
  const head = kinds.flatMap((kind) => [kind, "CPU us", "p99 ms"]);
  return table([varied, ...head, "peak MiB"], rows);
}

/** Works of a section of sizes are one kind by their verb. */
const kindOf = ({ section, work }: Result) =>
  section === "sizes" ? (work.split("-")[0] ?? "").toUpperCase() : workText(work);

/** With and without slow clients. */
export function crowdTable(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const figures = figuresOf(result);
    const { open, refused, broken } = { open: 0, refused: 0, broken: 0, ...result.more };
    const state = result.x === 0 ? "-" : `${open} open, ${refused} refused (503), ${broken} broken`;
    const slow = result.x === 0 ? "none" : `${result.x} readers, ${result.x} writers`;
    const costs = [figures?.p50Ms, figures?.p99Ms, figures?.peakMiB].map(optional);
    return [workText(result.work), slow, rateCell(result), ...costs, state];
  });
  const head = ["work", "slow clients", "rate", "p50 ms", "p99 ms", "peak MiB", "of the slow ones"];
  return table(head, rows);
}
