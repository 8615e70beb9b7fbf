// What one row of the settings table is, and how its one name is spelled in the three places it may stand:
// logLevel in the file, --log-level on the command line, KINTSUGI_LOG_LEVEL in the environment.

/** Roles that take settings. "admin": the commands that ask a server's admin API. */
export type Role = "admin" | "gateway" | "health" | "node" | "server";

export interface Setting<Value> {
  /** One line for `kintsugi help`. */
  readonly help: string;
  /** What stands for the value in the help; empty for a switch, which is given by its bare flag. */
  readonly placeholder: string;
  readonly roles: readonly Role[];
  /** @throws UsageError in words that follow the setting's name: "must be ...". */
  readonly parse: (text: string) => Value;
  /** What holds where nothing is given. */
  readonly fallback: (role: Role) => Value;
  /** Its flag where that is not the key's own spelling. */
  readonly flag?: `--${string}`;
  /** Without a flag: command lines are seen by every user of the machine, and kept in histories. */
  readonly flagless?: true;
  /** May be given as the path of a file that holds it: KINTSUGI_X_FILE. */
  readonly fromFile?: true;
  /** The value as `kintsugi config` shows it; a secret shows nothing of itself. */
  readonly show: (value: Value) => unknown;
  /** Names under which other servers' set-ups give it. */
  readonly aliases?: readonly string[];
}

export const ENV_PREFIX = "KINTSUGI_";

/** logLevel → --log-level */
export function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** logLevel → KINTSUGI_LOG_LEVEL */
export function variableOf(key: string): string {
  return ENV_PREFIX + key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

const asIs = (value: unknown): unknown => value ?? null;

/** Gives each row its own value type, and what most rows have in common. */
export function setting<Value>(
  row: Omit<Setting<Value>, "fallback" | "show"> & Partial<Pick<Setting<Value>, "show">>,
  fallback: Value | ((role: Role) => Value),
): Setting<Value> {
  const isFunction = (given: Value | ((role: Role) => Value)): given is (role: Role) => Value =>
    typeof given === "function";
  return { show: asIs, ...row, fallback: isFunction(fallback) ? fallback : () => fallback };
}
