// A report whose fields are shown as they are: their names in words, one a line.

import type { AdminLine } from "./admin-client.ts";
import { plainText } from "./plain-text.ts";
import { renderBytes, renderCount, renderSeconds } from "./quantities.ts";

const NAME_WIDTH = 24;

/** With a line end after every line. */
export function renderFields(report: AdminLine): string {
  const lines = Object.entries(report)
    .filter(([name]) => name !== "type")
    .flatMap(([name, value]) => {
      const words = valueWords(name, value);
      return words === "" ? [] : [`${nameWords(name).padEnd(NAME_WIDTH)}${words}`];
    });
  return `${lines.join("\n")}\n`;
}

/** The same on one line, for progress. */
export function renderFieldsShort(verb: string, line: AdminLine): string {
  const parts = Object.entries(line)
    .filter(([name]) => name !== "type")
    .map(([name, value]) => `${nameWords(name)} ${valueWords(name, value)}`);
  return `${verb}: ${parts.join(", ")}`;
}

/** removedShards → removed shards; elapsedMs → elapsed */
function nameWords(name: string): string {
  const spaced = name
    .replace(/Ms$/, "")
    .replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return plainText(spaced);
}

function valueWords(name: string, value: unknown): string {
  if (typeof value === "number") {
    if (name.endsWith("Ms")) return renderSeconds(value / 1_000);
    return /bytes/i.test(name) ? renderBytes(value) : renderCount(value);
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return plainText(value);
  if (Array.isArray(value)) return value.map((entry) => valueWords(name, entry)).join(", ");
  return value === undefined || value === null ? "" : plainText(JSON.stringify(value));
}
