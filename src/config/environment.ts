// Settings from environment variables: KINTSUGI_X, KINTSUGI_X_FILE for what may lie in a file, and the names under
// which set-ups of other servers give the root key. What Kubernetes puts there by itself is passed over.

import { readSecretFile } from "./secret-file.ts";
import type { GivenValue, GivenValues } from "./given-value.ts";
import { suggestion } from "./nearest-name.ts";
import { ENV_PREFIX } from "./setting.ts";
import type { Role } from "./setting.ts";
import { SETTING_ROWS } from "./settings-table.ts";
import type { SettingKey, SettingRow } from "./settings-table.ts";
import { UsageError } from "./usage-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentReading {
  readonly role: Role;
  /** Whether the file of the cluster secret is made when it is absent. */
  readonly mayCreate: boolean;
}

const FILE_SUFFIX = "_FILE";
/** What the laboratory tells the parts below that no setting reaches: see docs/LAB.md. */
const DAY_VARIABLE = "KINTSUGI_LIFECYCLE_DAY_SECONDS";
const LAB_VARIABLES = ["KINTSUGI_CRASH_AT", "KINTSUGI_HASTE", "KINTSUGI_SCRUB_HASTE", DAY_VARIABLE];
const DAY_SECONDS_MAX = 86_400;

/**
 * Settings that the environment gives; empty variables count as not given, as compose files leave them.
 * @throws UsageError for unknown KINTSUGI_ variables, for what is given twice, and for days of no length.
 */
export async function readEnvironment(
  env: Environment,
  reading: EnvironmentReading,
): Promise<GivenValues> {
  refuseUnknown(env);
  refuseBadDays(env);
  const values = new Map<SettingKey, GivenValue>();
  for (const row of SETTING_ROWS) {
    // One environment may serve several roles: what is for another one is known, and not read.
    if (!row.setting.roles.includes(reading.role)) continue;
    const value = await valueOf(row, env, reading);
    if (value !== undefined) values.set(row.key, value);
  }
  return values;
}

async function valueOf(
  row: SettingRow,
  env: Environment,
  reading: EnvironmentReading,
): Promise<GivenValue | undefined> {
  // Our own name is asked for first, so that an alias left over in the environment does no harm.
  for (const name of [row.variable, ...(row.setting.aliases ?? [])]) {
    const text = given(env, name);
    const file = row.setting.fromFile === true ? given(env, name + FILE_SUFFIX) : undefined;
    if (text !== undefined && file !== undefined) {
      throw new UsageError(`${name} and ${name}${FILE_SUFFIX} are both given: which one holds?`);
    }
    if (text !== undefined) return { text, origin: name };
    if (file !== undefined) {
      const mayCreate = row.key === "clusterSecret" && reading.mayCreate;
      const secret = await readSecretFile(file, {
        name: name + FILE_SUFFIX,
        mayCreate,
        isMadeAtStart: row.key === "clusterSecret",
      });
      return { text: secret, origin: `${name}${FILE_SUFFIX} (${file})` };
    }
  }
  return undefined;
}

function given(env: Environment, name: string): string | undefined {
  const text = env[name];
  if (text === undefined || text === "" || isOfKubernetes(name, text)) return undefined;
  return text;
}

function refuseUnknown(env: Environment): void {
  const known = new Set(
    SETTING_ROWS.flatMap(({ variable, setting }) =>
      setting.fromFile === true ? [variable, variable + FILE_SUFFIX] : [variable],
    ),
  );
  for (const name of LAB_VARIABLES) known.add(name);
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || known.has(name) || isOfKubernetes(name, text)) continue;
    throw new UsageError(`unknown environment variable ${name}${suggestion(name, known)}`);
  }
}

/** Who sets it waits for what short days do, and would wait in vain. */
function refuseBadDays(env: Environment): void {
  const text = given(env, DAY_VARIABLE);
  const seconds = Number(text);
  if (text === undefined || (seconds > 0 && seconds <= DAY_SECONDS_MAX)) return;
  throw new UsageError(
    `${DAY_VARIABLE} must be a number of seconds, more than 0 and at most ${DAY_SECONDS_MAX}`,
  );
}

/** A Kubernetes service that is named kintsugi puts these into every pod of its namespace. */
function isOfKubernetes(name: string, text: string | undefined): boolean {
  return (
    name.startsWith(`${ENV_PREFIX}SERVICE_`) ||
    name.startsWith(`${ENV_PREFIX}PORT_`) ||
    (name === `${ENV_PREFIX}PORT` && text !== undefined && text.startsWith("tcp://"))
  );
}
