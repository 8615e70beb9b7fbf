// Makes parts of the page. Whatever comes from the server becomes text and nothing else: there is no way here to make
// markup of it, no way to name a handler, and links stay within the page.

export type Child = Node | string;

/** Strings among the children are text. @throws where an attribute could run something, or lead elsewhere. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (/^(on|src|style)/i.test(name)) throw new Error(`an element takes no ${name}`);
    if (name === "href" && !value.startsWith("#")) throw new Error("links stay within the page");
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function link(href: string, words: Child): HTMLElement {
  return element("a", { href }, words);
}

export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return element("section", {}, element("h2", {}, title), ...children);
}

export interface Column {
  readonly title: string;
  /** Such as "number". */
  readonly kind?: string;
}

/** A table that scrolls by itself where it is too wide. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  const head = columns.map(({ title, kind = "" }) =>
    element("th", { scope: "col", class: kind }, title),
  );
  const body = rows.map((cells) =>
    element(
      "tr",
      {},
      ...cells.map((cell, index) => element("td", { class: columns[index]?.kind ?? "" }, cell)),
    ),
  );
  return element(
    "div",
    { class: "scroll", role: "region", "aria-label": caption },
    element(
      "table",
      { "aria-label": caption },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body),
    ),
  );
}

const GOOD = new Set(["good", "idle", "resting", "running"]);
const MIDDLING = new Set(["behind", "looking", "repairing", "short", "slow", "waiting"]);

/** A word for how something is, coloured; the word itself says it all. */
export function stateWord(state: string): HTMLElement {
  const kind = GOOD.has(state) ? "good" : MIDDLING.has(state) ? "middling" : "bad";
  return element("span", { class: `state ${kind}` }, state);
}

/** How much of something is used. */
export function meter(used: number, total: number, label: string): HTMLElement {
  const max = Math.max(total, 1);
  return element("meter", {
    min: "0",
    max: String(max),
    value: String(Math.min(used, max)),
    high: String(max * 0.9),
    optimum: "0",
    "aria-label": label,
  });
}
