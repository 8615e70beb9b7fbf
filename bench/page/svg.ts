// Writes SVG: elements as text, a style that suits light and dark pages, and scales from figures to places.

const escape = (text: string) =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

export type Attributes = Readonly<Record<string, number | string>>;

const place = (value: number | string) =>
  typeof value === "number" ? String(Math.round(value * 10) / 10) : escape(value);

export function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${place(value)}"`);
  return `<${name}${written.join("")}>${content}</${name}>`;
}

export function label(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escape(words));
}

export function rule(
  from: readonly [number, number],
  to: readonly [number, number],
  kind: string,
): string {
  return element("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: kind });
}

/** As many as series are shown in one chart; told apart by those who see few colours, on white and on black. */
export const SERIES_MAX = 5;

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.small { font-size: 11px; fill: #57606a; }
.title { font-size: 14px; font-weight: 600; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.axis { stroke: #57606a; stroke-width: 1.5; }
.aim { stroke: #24292f; stroke-width: 2; }
.fill-0 { fill: #0969da; } .line-0 { stroke: #0969da; }
.fill-1 { fill: #bf5700; } .line-1 { stroke: #bf5700; }
.fill-2 { fill: #1a7f37; } .line-2 { stroke: #1a7f37; }
.fill-3 { fill: #8250df; } .line-3 { stroke: #8250df; }
.fill-4 { fill: #6e7781; } .line-4 { stroke: #6e7781; }
.line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .small { fill: #9198a1; }
  .grid { stroke: #30363d; } .axis { stroke: #9198a1; } .aim { stroke: #e6edf3; }
  .fill-0 { fill: #4493f8; } .line-0 { stroke: #4493f8; }
  .fill-1 { fill: #f0883e; } .line-1 { stroke: #f0883e; }
  .fill-2 { fill: #3fb950; } .line-2 { stroke: #3fb950; }
  .fill-3 { fill: #ab7df8; } .line-3 { stroke: #ab7df8; }
  .fill-4 { fill: #9198a1; } .line-4 { stroke: #9198a1; }
}
`;

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** For those who do not see it. */
  readonly title: string;
  readonly content: readonly string[];
}

export function drawing({ width, height, title, content }: Drawing): string {
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const head = [element("title", {}, escape(title)), element("style", {}, STYLE)];
  const attributes = { xmlns: "http://www.w3.org/2000/svg", role: "img", ...size };
  return `${element("svg", attributes, `\n${[...head, ...content].join("\n")}\n`)}\n`;
}

/** From a figure between `low` and `high` to a place between `from` and `to`, by its logarithm. */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  const span = Math.log(high / low) || 1;
  return (value) => {
    const inside = Math.min(high, Math.max(low, value));
    return from + ((to - from) * Math.log(inside / low)) / span;
  };
}
