// Everything that a person may set, read once: flags over environment over file over default, checked, and frozen.
// Imported only by main.ts, which passes the pieces on; no other code reads the environment.

import { parseCommandLine } from "./config/command-line.ts";
import { isLoopback, refuseKnownPair, refuseRelatedSecrets } from "./config/credential-rules.ts";
import { readEnvironment } from "./config/environment.ts";
import type { Environment } from "./config/environment.ts";
import type { GivenValue } from "./config/given-value.ts";
import type { Role } from "./config/setting.ts";
import { readSettingsFile } from "./config/settings-file.ts";
import { SETTING_ROWS } from "./config/settings-table.ts";
import type { SettingKey, SettingRow, Settings } from "./config/settings-table.ts";
import { UsageError } from "./config/usage-error.ts";

export interface Config {
  readonly settings: Settings;
  /** What stands on the command line beside flags: folders, or a URL. */
  readonly operands: readonly string[];
  /** Where each value came from: a flag, a variable, a file, or "default". */
  readonly origins: ReadonlyMap<SettingKey, string>;
}

export interface ConfigSource {
  readonly role: Role;
  /** The command line after the role. */
  readonly args: readonly string[];
  readonly env: Environment;
  /** Whether the role is about to run: only then is an absent file of the cluster secret made. */
  readonly mayCreate: boolean;
}

/** Reads the settings of a role. @throws UsageError in words for whoever typed it. */
export async function readConfig({ role, args, env, mayCreate }: ConfigSource): Promise<Config> {
  const { values: flags, operands } = parseCommandLine(args, role);
  const variables = await readEnvironment(env, { role, mayCreate });
  const file = flags.get("config") ?? variables.get("config");
  const fromFile = file === undefined ? undefined : await readSettingsFile(file.text, role);

  const settings: Partial<Record<SettingKey, unknown>> = {};
  const origins = new Map<SettingKey, string>();
  for (const row of SETTING_ROWS) {
    const given = flags.get(row.key) ?? variables.get(row.key) ?? fromFile?.get(row.key);
    settings[row.key] = given === undefined ? row.setting.fallback(role) : parsed(row, given);
    origins.set(row.key, given?.origin ?? "default");
  }
  // Each value came from its own row's parser, and there is a row for every key.
  const checked = Object.freeze(settings as Settings);
  checkTogether(role, checked, origins);
  return Object.freeze({ settings: checked, operands, origins });
}

function parsed(row: SettingRow, given: GivenValue): unknown {
  try {
    return row.setting.parse(given.text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const where = given.origin.startsWith("-") || given.origin.includes(row.variable);
    throw new UsageError(
      `${where ? given.origin : `${row.key} in ${given.origin}`} ${error.message}`,
    );
  }
}

/** What no setting can say for itself. */
function checkTogether(
  role: Role,
  settings: Settings,
  origins: ReadonlyMap<SettingKey, string>,
): void {
  const { accessKey, secretKey, clusterSecret, host, tlsCert, tlsKey, users } = settings;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together: a certificate and its key");
  }
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    const lone = origins.get(accessKey === undefined ? "secretKey" : "accessKey");
    throw new UsageError(`${lone} is given alone: an access key and a secret key go together`);
  }
  const root = accessKey === undefined || secretKey === undefined ? [] : [{ accessKey, secretKey }];
  for (const pair of [...root, ...users]) {
    if (!isLoopback(host)) refuseKnownPair(pair, host);
    if (clusterSecret !== undefined) refuseRelatedSecrets(clusterSecret, pair);
  }
  if (settings.adminPort !== "none") {
    for (const pair of root) refuseKnownPair(pair, settings.adminHost);
  }
  const namesake = users.find((user) => user.accessKey === accessKey);
  if (namesake !== undefined) {
    throw new UsageError(`the user ${namesake.name} has the root account's access key`);
  }
  if (role === "gateway" && settings.nodes.length === 0) {
    throw new UsageError("a gateway needs its data nodes: --nodes http://node-1:9100,...");
  }
  if ((role === "gateway" || role === "node") && clusterSecret === undefined) {
    throw new UsageError(
      `a ${role} needs the cluster's secret: KINTSUGI_CLUSTER_SECRET or KINTSUGI_CLUSTER_SECRET_FILE`,
    );
  }
}
