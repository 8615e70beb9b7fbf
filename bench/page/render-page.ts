// The generated part of docs/PERFORMANCE.md: what a file of results says, as Markdown.

import type { Result, ResultsFile } from "../results.ts";
import { OWN_NAME } from "../subjects/own-subjects.ts";
import { failuresOf, ratiosOf, type Verdict, verdictsOf } from "./aims.ts";
import { ratioText, workText } from "./quantities.ts";
import { costsTable, crowdTable, growthTable, ratesTable, table } from "./tables.ts";

export const CHARTS = {
  memory: "performance-memory.svg",
  disk: "performance-disk.svg",
  growth: "performance-growth.svg",
} as const;

const MEDIA: Readonly<Record<string, string>> = { memory: "in memory", disk: "on a disk" };

const GROWTH: readonly (readonly [string, string, string])[] = [
  ["sizes", "size", "Object size (large ones at fewer connections: the rate of one stream)"],
  ["buckets", "keys", "Keys in the bucket"],
  ["connections", "connections", "Connections"],
  ["drives", "drives", "Drives"],
];

export function renderPage({ machine, servers, commands, results }: ResultsFile): string {
  const of = (section: string) => results.filter((result) => result.section === section);
  const days = [...new Set(results.map(({ at }) => at.slice(0, 10)))].toSorted();
  const about = Object.entries(servers)
    .filter(([name]) => results.some(({ server }) => server === name))
    .map(([name, words]) => `- **${name}**: ${words}`);
  const how = Object.entries(commands).map(([command, words]) => `- \`${command}\` (${words})`);
  return [
    `Measured ${days.join(", ")}. ${machine}; the load generator runs on the same cores.`,
    about.join("\n"),
    how.join("\n"),
    losses(results),
    aims(verdictsOf(results)),
    compared("memory", of("memory"), "### Where nothing waits for a disk"),
    compared("disk", of("disk"), "### On a real disk"),
    ...growth(of),
    nodes(of("nodes")),
    slow(of("slow-clients")),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Every work in which another server is faster, the worst first. */
function losses(results: readonly Result[]): string {
  const ratios = ["memory", "disk"].flatMap((section) => ratiosOf(results, section));
  const failed = failuresOf(results).map(
    ({ section, work }) => `- ${workText(work)}, section ${section}: failed on ours`,
  );
  if (ratios.length + failed.length === 0) return "";
  const slower = ratios
    // What rounds to 1.00 is none.
    .filter(({ ratio }) => ratio < 0.995)
    .toSorted((left, right) => left.ratio - right.ratio)
    .map(
      ({ section, work, server, ratio }) =>
        `- ${workText(work)} ${MEDIA[section] ?? ""}: ${ratioText(ratio)} of ${server}'s rate`,
    );
  const lost = [...failed, ...slower];
  const words = lost.length > 0 ? lost.join("\n") : "In no work of this run.";
  const share = `${slower.length} of ${ratios.length} comparisons.`;
  return `### Where we lose\n\n${slower.length > 0 ? `${share}\n\n` : ""}${words}`;
}

function aims(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "";
  const missed = verdicts.filter(({ isReached }) => !isReached);
  const rows = [...missed, ...verdicts.filter(({ isReached }) => isReached)].map(
    ({ what, found, aim, isReached }) => [what, found, aim, isReached ? "yes" : "**no**"],
  );
  const count = `${verdicts.length - missed.length} of ${verdicts.length} are reached.`;
  return `### What is aimed for\n\n${count}\n\n${table(["what", "found", "aim", "reached"], rows)}`;
}

function serversOf(results: readonly Result[]): readonly string[] {
  return [
    OWN_NAME,
    ...new Set(results.map(({ server }) => server).filter((name) => name !== OWN_NAME)),
  ];
}

function compared(section: "disk" | "memory", results: readonly Result[], title: string): string {
  if (results.length === 0) return "";
  const servers = serversOf(results);
  const chart = servers.length > 1 ? [`![Ratios ${MEDIA[section]}](${CHARTS[section]})`] : [];
  const rounds = `Medians (quartiles) of ${results[0]?.rounds.length} rounds of ${results[0]?.secondsOfRound} s.`;
  return [title, rounds, ...chart, ratesTable(results, servers), costsTable(results, servers)].join(
    "\n\n",
  );
}

function growth(of: (section: string) => readonly Result[]): string[] {
  const parts = GROWTH.filter(([section]) => of(section).length > 0).map(
    ([section, varied, title]) => `#### ${title}\n\n${growthTable(of(section), varied)}`,
  );
  if (parts.length === 0) return [];
  return [`### How cost grows\n\n![How cost grows](${CHARTS.growth})`, ...parts];
}

function nodes(results: readonly Result[]): string {
  if (results.length === 0) return "";
  const servers = serversOf(results);
  const tables = [ratesTable(results, servers), costsTable(results, servers)];
  return [`### Data nodes as processes of their own, over HTTP`, ...tables].join("\n\n");
}

function slow(results: readonly Result[]): string {
  if (results.length === 0) return "";
  return `### Beside many slow clients\n\n${crowdTable(results)}`;
}
