// `npm run bench:page -- FILE`: writes the charts, and the generated part of docs/PERFORMANCE.md, from a file of results.
// What stands before and after that part is written by hand.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ratiosOf } from "./page/aims.ts";
import { growthChart } from "./page/growth-chart.ts";
import { ratioChart } from "./page/ratio-chart.ts";
import { CHARTS, renderPage } from "./page/render-page.ts";
import { readResults } from "./results.ts";

const BEGIN = "<!-- results -->";
const END = "<!-- end of results -->";

const USAGE = `npm run bench:page -- [FILE] [--page docs/PERFORMANCE.md]

FILE is what \`npm run bench:matrix\` wrote (bench/results.json). Writes the part of the page between its two marks, and the charts beside it.`;

function write(file: string, page: string): void {
  const results = readResults(file);
  if (results.results.length === 0) throw new Error(`${file}: no results`);
  const before = readFileSync(page, "utf8");
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${page}: without ${BEGIN} and ${END}`);
  const head = before.slice(0, begin + BEGIN.length);
  writeFileSync(page, `${head}\n\n${renderPage(results)}\n\n${before.slice(end)}`);
  const folder = dirname(page);
  for (const [section, title] of [
    ["memory", "Kintsugi's rate to others', in memory (right of the line: faster)"],
    ["disk", "Kintsugi's rate to others', on a disk (right of the line: faster)"],
  ] as const) {
    const ratios = ratiosOf(results.results, section);
    if (ratios.length > 0) writeFileSync(join(folder, CHARTS[section]), ratioChart(title, ratios));
  }
  const growth = growthChart("How cost grows", results.results);
  if (growth !== undefined) writeFileSync(join(folder, CHARTS.growth), growth);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean" }, page: { type: "string" } },
});
try {
  if (values.help === true) console.log(USAGE);
  else write(positionals[0] ?? "bench/results.json", values.page ?? "docs/PERFORMANCE.md");
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
