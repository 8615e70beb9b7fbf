// The command line after the role: flags of the settings table, and operands (folders, a URL).

import type { GivenValue, GivenValues } from "./given-value.ts";
import { suggestion } from "./nearest-name.ts";
import type { Role } from "./setting.ts";
import { SETTING_ROWS } from "./settings-table.ts";
import type { SettingKey, SettingRow } from "./settings-table.ts";
import { UsageError } from "./usage-error.ts";

export interface CommandLine {
  readonly values: GivenValues;
  readonly operands: readonly string[];
}

/** @throws UsageError for flags that are unknown, of another role, given twice or without a value. */
export function parseCommandLine(args: readonly string[], role: Role): CommandLine {
  const values = new Map<SettingKey, GivenValue>();
  const operands: string[] = [];
  const waiting = [...args];
  for (let arg = waiting.shift(); arg !== undefined; arg = waiting.shift()) {
    if (arg === "--") {
      operands.push(...waiting.splice(0));
    } else if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
    } else {
      const { name, text } = splitFlag(arg);
      const row = rowOf(name, role);
      if (values.has(row.key)) throw new UsageError(`${name} is given twice`);
      values.set(row.key, { text: text ?? nextValue(row, name, waiting), origin: name });
    }
  }
  return { values, operands };
}

/** --port=9000 → --port and 9000 */
function splitFlag(arg: string): { name: string; text: string | undefined } {
  const equals = arg.indexOf("=");
  if (equals < 0) return { name: arg, text: undefined };
  return { name: arg.slice(0, equals), text: arg.slice(equals + 1) };
}

function rowOf(name: string, role: Role): SettingRow {
  const row = SETTING_ROWS.find((candidate) => candidate.flag === name);
  if (row !== undefined) {
    if (row.setting.roles.includes(role)) return row;
    throw new UsageError(`${name} is not a flag of kintsugi ${role}`);
  }
  const flagless = SETTING_ROWS.find((candidate) => `--${candidate.key}` === camelFlag(name));
  if (flagless !== undefined && flagless.flag === undefined) {
    const orFile = flagless.setting.fromFile === true ? ` or ${flagless.variable}_FILE` : "";
    throw new UsageError(`${name} has no flag: give ${flagless.variable}${orFile}`);
  }
  const flags = SETTING_ROWS.filter((candidate) => candidate.setting.roles.includes(role));
  const known = flags.flatMap((candidate) => candidate.flag ?? []);
  throw new UsageError(`unknown flag ${name}${suggestion(name, [...known, "--help"])}`);
}

/** --secret-key → --secretKey */
function camelFlag(name: string): string {
  return name.replaceAll(/(?<=\w)-(\w)/g, (_match, letter: string) => letter.toUpperCase());
}

function nextValue(row: SettingRow, name: string, waiting: string[]): string {
  if (row.setting.placeholder === "") return "on";
  const next = waiting.shift();
  // A value may be empty or begin with a dash only when it is joined to its flag by "=".
  if (next !== undefined && !next.startsWith("--")) return next;
  throw new UsageError(`${name} needs a value: ${name} ${row.setting.placeholder}`);
}
