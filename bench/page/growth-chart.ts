// The chart of how cost grows: a small panel for each thing that grows, both axes by logarithm.

import { figuresOf, type Figures } from "../quartiles.ts";
import type { Result } from "../results.ts";
import { OWN_NAME } from "../subjects/own-subjects.ts";
import { countText, rateText, variedText } from "./quantities.ts";
import { drawing, element, label, logScale, rule } from "./svg.ts";

interface Line {
  readonly name: string;
  readonly works: RegExp;
}

interface Panel {
  readonly title: string;
  readonly section: string;
  readonly lines: readonly Line[];
  readonly figure: (figures: Figures, result: Result) => number | undefined;
}

const rate = ({ rate: found }: Figures) => found.median;

const PANELS: readonly Panel[] = [
  {
    title: "MiB/s by object size",
    section: "sizes",
    lines: [
      { name: "PUT", works: /^put-/ },
      { name: "GET", works: /^get-/ },
    ],
    figure: ({ mibPerSecond }) => mibPerSecond,
  },
  {
    title: "CPU us/operation by keys in the bucket",
    section: "buckets",
    lines: [
      { name: "PUT", works: /^put-/ },
      { name: "GET", works: /^get-/ },
      { name: "LIST page", works: /^list$/ },
    ],
    figure: ({ cpuMicros }) => cpuMicros,
  },
  {
    title: "operations/s by connections (4 KiB)",
    section: "connections",
    lines: [
      { name: "PUT", works: /^put-/ },
      { name: "GET", works: /^get-/ },
    ],
    figure: rate,
  },
  {
    title: "operations/s by drives",
    section: "drives",
    lines: [
      { name: "PUT 4 KiB", works: /^put-4k$/ },
      { name: "GET 4 KiB", works: /^get-4k$/ },
      { name: "PUT 1 MiB", works: /^put-1m$/ },
      { name: "GET 1 MiB", works: /^get-1m$/ },
    ],
    figure: rate,
  },
];

const WIDTH = 820;
const PANEL = { width: 400, height: 250, left: 58, right: 16, top: 54, bottom: 30 };

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Undefined where nothing was measured that grows. */
export function growthChart(title: string, results: readonly Result[]): string | undefined {
  const shown = PANELS.map((panel) => ({ panel, series: seriesOf(panel, results) })).filter(
    ({ series }) => series.some((points) => points.length > 1),
  );
  if (shown.length === 0) return undefined;
  const content = shown.map(({ panel, series }, index) => {
    const at = `translate(${(index % 2) * (WIDTH - PANEL.width)} ${Math.floor(index / 2) * PANEL.height})`;
    return element("g", { transform: at }, panelContent(panel, series).join("\n"));
  });
  const height = Math.ceil(shown.length / 2) * PANEL.height;
  return drawing({ width: WIDTH, height, title, content });
}

function seriesOf(panel: Panel, results: readonly Result[]): readonly (readonly Point[])[] {
  const own = results.filter(
    ({ section, server }) => section === panel.section && server === OWN_NAME,
  );
  return panel.lines.map(({ works }) =>
    own
      .filter(({ work }) => works.test(work))
      .flatMap((result) => {
        const figures = figuresOf(result);
        const y = figures && panel.figure(figures, result);
        return y === undefined || y <= 0 || result.x === undefined ? [] : [{ x: result.x, y }];
      })
      .toSorted((left, right) => left.x - right.x),
  );
}

function panelContent(panel: Panel, series: readonly (readonly Point[])[]): string[] {
  const points = series.flat();
  const { left, right, top, bottom, width, height } = PANEL;
  const xs = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b);
  const high = 10 ** Math.ceil(Math.log10(Math.max(...points.map(({ y }) => y))));
  const low = 10 ** Math.floor(Math.log10(Math.min(...points.map(({ y }) => y))));
  const across = logScale([xs[0] ?? 1, xs.at(-1) ?? 1], [left, width - right]);
  const up = logScale([low, high], [height - bottom, top]);
  const grid: string[] = [];
  for (let tick = low; tick <= high * 1.01; tick *= 10) {
    grid.push(rule([left, up(tick)], [width - right, up(tick)], "grid"));
    const words = tick < 1 ? rateText(tick) : countText(tick);
    grid.push(label(left - 6, up(tick) + 4, words, { "text-anchor": "end", class: "small" }));
  }
  const every = Math.ceil(xs.length / 7);
  const names = xs
    .filter((_, index) => index % every === 0)
    .map((x) =>
      label(across(x), height - bottom + 16, shortly(variedText(panel.section, x)), {
        "text-anchor": "middle",
        class: "small",
      }),
    );
  const legend = panel.lines.map(({ name }, index) =>
    [
      element("rect", {
        x: left + index * 82,
        y: 27,
        width: 10,
        height: 10,
        class: `fill-${index}`,
      }),
      label(left + index * 82 + 14, 36, name, { class: "small" }),
    ].join(""),
  );
  const lines = series.map((each, index) => lineOf(each, index, { across, up }));
  return [label(0, 16, panel.title, { class: "title" }), ...legend, ...grid, ...names, ...lines];
}

/** `256 KiB` as `256K`: there is little room. */
const shortly = (words: string) => words.replace(/ ([KMG])iB$/, "$1");

interface Scales {
  readonly across: (value: number) => number;
  readonly up: (value: number) => number;
}

function lineOf(points: readonly Point[], index: number, { across, up }: Scales): string {
  const places = points.map(({ x, y }) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
  const dots = points.map(({ x, y }) =>
    element("circle", { cx: across(x), cy: up(y), r: 3, class: `fill-${index}` }),
  );
  return element("polyline", { points: places, class: `line line-${index}` }) + dots.join("");
}
