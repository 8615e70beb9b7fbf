// What startServer takes, in one place: the type that callers see, and the names that are checked.

import type { LogLevel } from "../telemetry/log-level.ts";
import type { UserSettings } from "./user-settings.ts";

export interface StartServerOptions {
  /** Where the drives lie; kept by `stop`. Default: a temporary folder, which `stop` removes. */
  readonly dir?: string;
  /** How many drive folders are made in it. Default: 6. */
  readonly drives?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** The admin API's port; 0 takes a free one. Default: it is not opened. */
  readonly adminPort?: number;
  /** The root account's keys, both or neither. Default: generated ones. */
  readonly accessKey?: string;
  readonly secretKey?: string;
  /**
   * Master keys for encryption (SSE-S3), 32 bytes each in hex or Base64, the newest last. Default: one that is made for this
   * server where its folder is temporary; else none, until a copy of one was taken with `kintsugi key export`.
   */
  readonly masterKey?: string;
  /** Keys that clients may name (SSE-KMS): `NAME=KEY`, parted by commas, 32 bytes each in hex or Base64. Default: none. */
  readonly kmsKeys?: string;
  /** Buckets that exist from the start, and again after each `reset`. */
  readonly buckets?: readonly string[];
  /** More users, an account each. */
  readonly users?: readonly UserSettings[];
  /**
   * What buckets begin with whose maker does not say: "blocked" as with S3 (no access control lists, no public access),
   * "acls" as before April 2023. Default: blocked.
   */
  readonly newBuckets?: "acls" | "blocked";
  /** Default: us-east-1. */
  readonly region?: string;
  /** A Host header below it (`BUCKET.domain`) is virtual-host style. Default: localhost. */
  readonly domain?: string | readonly string[];
  /** What is logged, to standard error. Default: silent. */
  readonly log?: LogLevel;
}

/** Keyed by the type, so that neither can have a name that the other lacks. */
const OPTIONS: Readonly<Record<keyof StartServerOptions, true>> = {
  accessKey: true,
  adminPort: true,
  buckets: true,
  dir: true,
  domain: true,
  drives: true,
  host: true,
  kmsKeys: true,
  log: true,
  masterKey: true,
  newBuckets: true,
  port: true,
  region: true,
  secretKey: true,
  users: true,
};

export const OPTION_NAMES: ReadonlySet<string> = new Set(Object.keys(OPTIONS));
