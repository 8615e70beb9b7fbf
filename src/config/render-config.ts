// `kintsugi config`: every setting in force and where it came from, and the accounts by the names that bucket policies and
// `x-amz-expected-bucket-owner` know them under; in words or JSON, without secrets.

import { accountNumberOf, principalArn } from "../core/account.ts";
import type { Account } from "../core/account.ts";
import { SETTING_ROWS } from "./settings-table.ts";
import type { SettingKey, Settings } from "./settings-table.ts";
import type { Role } from "./setting.ts";

export interface RenderedConfig {
  readonly role: Role;
  readonly settings: Settings;
  readonly origins: ReadonlyMap<SettingKey, string>;
  /** None, for a role without any. */
  readonly accounts: readonly Account[];
}

export function renderConfigText(config: RenderedConfig): string {
  const lines = rowsOf(config).map(({ key, value, origin }) => {
    const shown = value === null ? "-" : typeof value === "string" ? value : JSON.stringify(value);
    return `${key.padEnd(14)} ${shown.padEnd(28)} ${origin}`;
  });
  return `kintsugi ${config.role}\n${[...lines, ...accountLines(config)].join("\n")}\n`;
}

export function renderConfigJson(config: RenderedConfig): string {
  const settings = Object.fromEntries(
    rowsOf(config).map(({ key, value, origin }) => [key, { value, origin }]),
  );
  const { role } = config;
  return `${JSON.stringify({ role, settings, accounts: namesOf(config) }, null, 2)}\n`;
}

function accountLines(config: RenderedConfig): readonly string[] {
  const named = namesOf(config);
  if (named.length === 0) return [];
  const width = Math.max(...named.map(({ name }) => name.length));
  const lines = named.map(
    ({ name, number, arn, id }) => `  ${name.padEnd(width)}  ${number}  ${arn}  ${id}`,
  );
  return ["", "accounts: name, number, ARN and canonical id, as policies name them", ...lines];
}

function namesOf({ accounts }: RenderedConfig) {
  return accounts.map((account) => ({
    name: account.name,
    number: accountNumberOf(account.id),
    arn: principalArn(account) ?? "",
    id: account.id,
  }));
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
