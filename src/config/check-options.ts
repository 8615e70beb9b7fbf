// The options of startServer, checked by the same rules as the settings of the command.

import type { LogLevel } from "../telemetry/log-level.ts";
import { isLoopback, refuseKnownPair, type KeyPair } from "./credential-rules.ts";
import { suggestion } from "./nearest-name.ts";
import { SETTINGS } from "./settings-table.ts";
import { OPTION_NAMES, type StartServerOptions } from "./start-server-options.ts";
import { UsageError } from "./usage-error.ts";
import { checkUsers, type UserSettings } from "./user-settings.ts";

export interface CheckedOptions {
  readonly drives: { readonly count: number; readonly isGiven: boolean };
  readonly host: string;
  readonly port: number;
  /** Undefined: no admin API. */
  readonly adminPort: number | undefined;
  readonly keys: KeyPair | undefined;
  readonly buckets: readonly string[];
  readonly users: readonly UserSettings[];
  readonly newBuckets: "acls" | "blocked";
  readonly masterKey: string | undefined;
  readonly kmsKeys: string | undefined;
  readonly region: string;
  readonly domains: readonly string[];
  readonly log: LogLevel | undefined;
}

/** @throws UsageError in words: a misspelled option would else be ignored in silence. */
export function checkOptions(options: StartServerOptions): CheckedOptions {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw new UsageError(`startServer: unknown option ${name}${suggestion(name, OPTION_NAMES)}`);
    }
  }
  const { drives, host, port, buckets, users, region, domain, log } = options;
  const keys = keyPair(options.accessKey, options.secretKey);
  const checked: CheckedOptions = {
    drives: {
      count: parsed("drives", SETTINGS.drives, drives),
      isGiven: drives !== undefined,
    },
    host: parsed("host", SETTINGS.host, host),
    port: port === undefined ? 0 : parsed("port", SETTINGS.port, port),
    adminPort: adminPortOf(options.adminPort),
    keys,
    buckets: parsed("buckets", SETTINGS.buckets, buckets?.join(",")),
    users: users === undefined ? [] : named("users", () => checkUsers(users)),
    newBuckets: parsed("newBuckets", SETTINGS.newBuckets, options.newBuckets),
    masterKey: options.masterKey,
    kmsKeys: options.kmsKeys,
    region: parsed("region", SETTINGS.region, region),
    domains: parsed("domain", SETTINGS.domain, [domain ?? []].flat().join(",") || undefined),
    log: parsed("log", SETTINGS.logLevel, log ?? "silent"),
  };
  for (const pair of [keys ?? [], checked.users].flat()) {
    if (!isLoopback(checked.host)) refuseKnownPair(pair, checked.host);
  }
  return checked;
}

function adminPortOf(given: number | undefined): number | undefined {
  if (given === undefined) return undefined;
  const port = parsed("adminPort", SETTINGS.adminPort, given);
  return port === "none" ? undefined : port;
}

function keyPair(
  accessKey: string | undefined,
  secretKey: string | undefined,
): KeyPair | undefined {
  if (accessKey === undefined && secretKey === undefined) return undefined;
  if (accessKey === undefined || secretKey === undefined) {
    throw new UsageError("startServer: accessKey and secretKey go together");
  }
  return {
    accessKey: named("accessKey", () => SETTINGS.accessKey.parse(accessKey) ?? accessKey),
    secretKey: named("secretKey", () => SETTINGS.secretKey.parse(secretKey) ?? secretKey),
  };
}

interface Row<Value> {
  readonly parse: (text: string) => Value;
  readonly fallback: (role: "server") => Value;
}

function parsed<Value>(name: string, row: Row<Value>, value: number | string | undefined): Value {
  return value === undefined ? row.fallback("server") : named(name, () => row.parse(String(value)));
}

/** Puts the option's name before what is wrong with it. */
function named<Value>(name: string, check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`startServer: ${name} ${error.message}`);
  }
}
