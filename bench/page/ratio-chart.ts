// The chart of ratios: for each work a bar to each other server, to the right where ours is faster.

import type { PeerRatio } from "./aims.ts";
import { ratioText, workText } from "./quantities.ts";
import { drawing, element, label, logScale, rule, SERIES_MAX } from "./svg.ts";

const WIDTH = 820;
const LEFT = 250;
const RIGHT = 60;
const TOP = 64;
const BAR = 13;
const GAP = 12;
const TICKS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16, 32, 64];

const tickText = (tick: number) => (tick < 1 ? `1/${1 / tick}` : `${tick}x`);

export function ratioChart(title: string, ratios: readonly PeerRatio[]): string {
  const works = [...new Set(ratios.map(({ work }) => work))];
  const servers = [...new Set(ratios.map(({ server }) => server))].slice(0, SERIES_MAX);
  const rowHeight = servers.length * BAR + GAP;
  const height = TOP + works.length * rowHeight + 8;
  const domain = domainOf(ratios.map(({ ratio }) => ratio));
  const across = logScale(domain, [LEFT, WIDTH - RIGHT]);
  const ticks = TICKS.filter((tick) => tick >= domain[0] && tick <= domain[1]);
  const grid = ticks.flatMap((tick) => [
    rule([across(tick), TOP - 6], [across(tick), height - 8], tick === 1 ? "axis" : "grid"),
    label(across(tick), TOP - 12, tickText(tick), { "text-anchor": "middle", class: "small" }),
  ]);
  const legend = servers.map((server, index) => legendEntry(`to ${server}`, index));
  const rows = works.map((work, row) => {
    const y = TOP + row * rowHeight;
    const middle = y + (servers.length * BAR) / 2 + 4;
    const name = label(LEFT - 10, middle, workText(work), { "text-anchor": "end" });
    const bars = servers.map((server, index) => {
      const found = ratios.find((each) => each.work === work && each.server === server);
      return found ? bar({ ratio: found.ratio, y: y + index * BAR, index, across }) : "";
    });
    return [name, ...bars].join("\n");
  });
  const content = [label(0, 16, title, { class: "title" }), ...legend, ...grid, ...rows];
  return drawing({ width: WIDTH, height, title, content });
}

/** Powers of two around all ratios and their figures, with 1 in sight. */
function domainOf(ratios: readonly number[]): readonly [number, number] {
  const low = Math.min(1 / 2, ...ratios);
  const high = Math.max(2, ...ratios);
  return [2 ** Math.floor(Math.log2(low * 0.8)), 2 ** Math.ceil(Math.log2(high))];
}

function legendEntry(words: string, index: number, y = 34): string {
  const x = index * 150;
  return [
    element("rect", { x, y: y - 10, width: 12, height: 12, class: `fill-${index}` }),
    label(x + 18, y, words),
  ].join("\n");
}

interface Bar {
  readonly ratio: number;
  readonly y: number;
  readonly index: number;
  readonly across: (value: number) => number;
}

function bar({ ratio, y, index, across }: Bar): string {
  const [from, to] = [across(1), across(ratio)];
  const size = {
    x: Math.min(from, to),
    y,
    width: Math.max(1, Math.abs(to - from)),
    height: BAR - 2,
  };
  const isRight = ratio >= 1;
  const words = label(isRight ? to + 4 : to - 4, y + BAR - 3, ratioText(ratio), {
    "text-anchor": isRight ? "start" : "end",
    class: "small",
  });
  return element("rect", { ...size, class: `fill-${index}` }) + words;
}
