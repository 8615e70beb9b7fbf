// Settings from the JSON file of --config: an object whose keys are the settings' names. Lists may be JSON lists,
// switches true or false, numbers numbers.

import { readFile } from "node:fs/promises";
import type { GivenValue, GivenValues } from "./given-value.ts";
import { suggestion } from "./nearest-name.ts";
import type { Role } from "./setting.ts";
import { SETTING_ROWS } from "./settings-table.ts";
import type { SettingKey } from "./settings-table.ts";
import { UsageError } from "./usage-error.ts";

/** @throws UsageError when it cannot be read, is no JSON object, or has an unknown key. */
export async function readSettingsFile(path: string, role: Role): Promise<GivenValues> {
  const entries = await readEntries(path);
  const known = SETTING_ROWS.filter(({ key }) => key !== "config");
  const values = new Map<SettingKey, GivenValue>();
  for (const [name, value] of entries) {
    const row = known.find(({ key }) => key === name);
    if (row === undefined) {
      const keys = known.map(({ key }) => key);
      throw new UsageError(`${path}: unknown key ${name}${suggestion(name, keys)}`);
    }
    if (value === null || !row.setting.roles.includes(role)) continue;
    values.set(row.key, { text: textOf(value, `${path}: ${name}`), origin: path });
  }
  return values;
}

async function readEntries(path: string): Promise<readonly (readonly [string, unknown])[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot read the settings file ${path}: ${words}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message would repeat a piece of the file, which may hold secrets.
    throw new UsageError(`${path} is not valid JSON`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value);
  }
  throw new UsageError(`${path} must hold one JSON object`);
}

/** The value as it would be written in the environment. */
function textOf(value: unknown, label: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) {
    const entries: readonly unknown[] = value;
    const isPlain = entries.every((entry) => typeof entry === "string");
    return isPlain ? entries.join(",") : JSON.stringify(entries);
  }
  throw new UsageError(`${label} must be a text, a number, true or false, or a list`);
}
