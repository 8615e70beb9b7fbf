// `kintsugi config`: every setting in force and where it came from, in words or JSON, without secrets.

import { SETTING_ROWS } from "./settings-table.ts";
import type { SettingKey, Settings } from "./settings-table.ts";
import type { Role } from "./setting.ts";

export interface RenderedConfig {
  readonly role: Role;
  readonly settings: Settings;
  readonly origins: ReadonlyMap<SettingKey, string>;
}

export function renderConfigText(config: RenderedConfig): string {
  const lines = rowsOf(config).map(({ key, value, origin }) => {
    const shown = value === null ? "-" : typeof value === "string" ? value : JSON.stringify(value);
    return `${key.padEnd(14)} ${shown.padEnd(28)} ${origin}`;
  });
  return `kintsugi ${config.role}\n${lines.join("\n")}\n`;
}

export function renderConfigJson(config: RenderedConfig): string {
  const settings = Object.fromEntries(
    rowsOf(config).map(({ key, value, origin }) => [key, { value, origin }]),
  );
  return `${JSON.stringify({ role: config.role, settings }, null, 2)}\n`;
}

function rowsOf({ role, settings, origins }: RenderedConfig) {
  return SETTING_ROWS.filter(({ setting }) => setting.roles.includes(role)).map(
    ({ key, setting }) => ({
      key,
      value: setting.show(settings[key]),
      origin: origins.get(key) ?? "default",
    }),
  );
}
