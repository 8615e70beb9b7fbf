// The settings, all of them: the one table that the command line, the environment, the file, the checks, the help and
// `kintsugi config` are made from. Names and defaults are a contract with everybody's scripts.

import { availableParallelism } from "node:os";
import { LOG_LEVELS } from "../telemetry/log-level.ts";
import { accessKey, clusterSecret, secretKey } from "./credential-rules.ts";
import { REPAIR_SETTINGS } from "./repair-settings.ts";
import { flagOf, setting, variableOf } from "./setting.ts";
import type { Role, Setting } from "./setting.ts";
import { TRASH_SETTINGS } from "./trash-settings.ts";
import { parseUsers } from "./user-settings.ts";
import * as parse from "./value-parsers.ts";
import { zoneSetting } from "./zone-setting.ts";

const SERVING: readonly Role[] = ["server", "gateway", "node"];
const S3_FACE: readonly Role[] = ["server", "gateway"];
const ADMIN_FACE: readonly Role[] = [...S3_FACE, "admin"];
const ALL: readonly Role[] = [...SERVING, "health"];

const DRIVES_MAX = 256;
const PORT_MAX = 65_535;
const WORKERS_MAX = 64;
/** Beyond it the one writer of the metadata is what there is too little of. */
const WORKERS_DEFAULT_MAX = 8;
/** What `kintsugi config` prints in the place of a secret. */
const HIDDEN = "(hidden)";

const hide = (value: unknown): unknown => (value === undefined ? null : HIDDEN);

const ON_OFF = {
  placeholder: "on|off",
  roles: S3_FACE,
  parse: parse.onOrOff,
  show: (on: boolean) => (on ? "on" : "off"),
};

export const SETTINGS = {
  host: setting(
    {
      help: "address to listen on",
      placeholder: "HOST",
      roles: ALL,
      parse: parse.host,
    },
    "127.0.0.1",
  ),
  port: setting(
    {
      help: "port to listen on; 0 takes a free one",
      placeholder: "PORT",
      roles: ALL,
      parse: parse.integerBetween(0, PORT_MAX),
    },
    (role) => (role === "node" ? 9100 : 9000),
  ),
  adminHost: setting(
    {
      help: "address of the admin API (kintsugi status, metrics)",
      placeholder: "HOST",
      roles: ADMIN_FACE,
      parse: parse.host,
    },
    "127.0.0.1",
  ),
  adminPort: setting<number | "none">(
    {
      help: "port of the admin API; 0 takes a free one, none opens none",
      placeholder: "PORT|none",
      roles: ADMIN_FACE,
      parse: parse.integerOrNone(0, PORT_MAX),
    },
    9001,
  ),
  adminEndpoint: setting<string | undefined>(
    {
      help: "URL of the admin API that is asked; default: that of --admin-host and --admin-port",
      placeholder: "URL",
      roles: ["admin"],
      parse: parse.originUrl,
      flag: "--endpoint",
    },
    undefined,
  ),
  insecure: setting(
    {
      ...ON_OFF,
      help: "talk to an https endpoint whose certificate cannot be verified",
      placeholder: "",
      roles: ["admin"],
    },
    false,
  ),
  metricsPublic: setting(
    {
      ...ON_OFF,
      help: "whoever reaches the admin port may read /metrics, without a token",
      placeholder: "",
    },
    false,
  ),
  metricsToken: setting<string | undefined>(
    {
      help: "bearer token with which /metrics may be read; 16 characters or more",
      placeholder: "TOKEN",
      roles: S3_FACE,
      parse: parse.bearerToken,
      flagless: true,
      fromFile: true,
      show: hide,
    },
    undefined,
  ),
  drives: setting(
    {
      help: "drive folders made when one DIR is given",
      placeholder: "COUNT",
      roles: ["server"],
      parse: parse.integerBetween(1, DRIVES_MAX),
    },
    6,
  ),
  nodes: setting<readonly string[]>(
    {
      help: "the data nodes: a comma list of URLs such as http://node-1:9100",
      placeholder: "URL,...",
      roles: ["gateway"],
      parse: parse.listOf(parse.nodeUrl),
    },
    [],
  ),
  zone: zoneSetting,
  region: setting(
    {
      help: "region that answers name and signatures must name",
      placeholder: "REGION",
      roles: S3_FACE,
      parse: parse.regionName,
    },
    "us-east-1",
  ),
  domain: setting<readonly string[]>(
    {
      help: "comma list of names; BUCKET.name is virtual-host style, every other Host path style",
      placeholder: "NAME,...",
      roles: S3_FACE,
      parse: parse.listOf(parse.domainName),
    },
    ["localhost"],
  ),
  publicHosts: setting<readonly string[]>(
    {
      help: "comma list of HOST[:PORT] that clients sign for when a proxy shows us another",
      placeholder: "HOST,...",
      roles: S3_FACE,
      parse: parse.listOf(parse.publicHost),
    },
    [],
  ),
  tlsCert: setting<string | undefined>(
    {
      help: "certificate chain (PEM); read again when it changes",
      placeholder: "FILE",
      roles: [...ADMIN_FACE, "health"],
      parse: parse.path,
    },
    undefined,
  ),
  tlsKey: setting<string | undefined>(
    {
      help: "private key of the certificate (PEM)",
      placeholder: "FILE",
      roles: [...ADMIN_FACE, "health"],
      parse: parse.path,
    },
    undefined,
  ),
  sigv2: setting(
    {
      ...ON_OFF,
      help: "whether Signature Version 2 is accepted: on or off",
    },
    true,
  ),
  masterKeyFile: setting<string | undefined>(
    {
      help: "file of master keys for encryption (SSE-S3), 32 bytes in hex a line, the newest last",
      placeholder: "FILE",
      roles: S3_FACE,
      parse: parse.path,
    },
    undefined,
  ),
  masterKey: setting<string | undefined>(
    {
      help: "master keys for encryption (SSE-S3), 32 bytes in hex or Base64, the newest last",
      placeholder: "KEY",
      roles: S3_FACE,
      parse: (text) => text,
      flagless: true,
      show: hide,
    },
    undefined,
  ),
  kmsKeysFile: setting<string | undefined>(
    {
      help: "file of keys that clients may name (SSE-KMS), NAME=KEY a line, 32 bytes in hex or Base64, the newest of a name last",
      placeholder: "FILE",
      roles: S3_FACE,
      parse: parse.path,
    },
    undefined,
  ),
  kmsKeys: setting<string | undefined>(
    {
      help: "keys that clients may name (SSE-KMS), NAME=KEY, parted by commas",
      placeholder: "KEYS",
      roles: S3_FACE,
      parse: (text) => text,
      flagless: true,
      show: hide,
    },
    undefined,
  ),
  keysOverHttp: setting(
    {
      ...ON_OFF,
      help: "on: customer keys (SSE-C) are taken over plain HTTP from anywhere, as behind a TLS proxy",
    },
    false,
  ),
  etag: setting(
    {
      help: "fast: what is larger than 1 MiB gets an ETag that is no MD5, unless it comes with Content-MD5",
      placeholder: "md5|fast",
      roles: S3_FACE,
      parse: parse.oneOf(["md5", "fast"]),
    },
    "md5",
  ),
  ...REPAIR_SETTINGS,
  ...TRASH_SETTINGS,
  logLevel: setting(
    {
      help: `how much is logged: ${LOG_LEVELS.join(", ")}`,
      placeholder: "LEVEL",
      roles: SERVING,
      parse: parse.oneOf(LOG_LEVELS),
    },
    "info",
  ),
  json: setting(
    {
      help: "print JSON instead of words",
      placeholder: "",
      roles: [...SERVING, "admin"],
      parse: parse.onOrOff,
    },
    false,
  ),
  acceptLoss: setting(
    {
      ...ON_OFF,
      help: "on: start although more drives are empty than parity replaces; what needs them is lost",
    },
    false,
  ),
  clusterId: setting<string | undefined>(
    {
      help: "the only cluster that the drives may be: others, or all of them empty, stop the start",
      placeholder: "ID",
      roles: S3_FACE,
      parse: parse.clusterId,
    },
    undefined,
  ),
  supervisor: setting(
    {
      ...ON_OFF,
      help: "off: without the process that watches the server and starts it anew (for debuggers)",
    },
    true,
  ),
  workers: setting(
    {
      help: "worker processes that serve S3; default: one per core, at most 8",
      placeholder: "COUNT",
      roles: S3_FACE,
      parse: parse.integerBetween(1, WORKERS_MAX),
    },
    (role) => (role === "node" ? 1 : Math.min(availableParallelism(), WORKERS_DEFAULT_MAX)),
  ),
  config: setting<string | undefined>(
    {
      help: "a JSON file of settings, by their names in camelCase",
      placeholder: "FILE",
      roles: [...ALL, "admin"],
      parse: parse.path,
    },
    undefined,
  ),
  accessKey: setting<string | undefined>(
    {
      help: "the root account's access key; generated and kept when not given",
      placeholder: "KEY",
      roles: ADMIN_FACE,
      parse: accessKey,
      flagless: true,
      fromFile: true,
      aliases: ["MINIO_ROOT_USER"],
    },
    undefined,
  ),
  secretKey: setting<string | undefined>(
    {
      help: "its secret key",
      placeholder: "SECRET",
      roles: ADMIN_FACE,
      parse: secretKey,
      flagless: true,
      fromFile: true,
      show: hide,
      aliases: ["MINIO_ROOT_PASSWORD"],
    },
    undefined,
  ),
  clusterSecret: setting<string | undefined>(
    {
      help: "what gateways and nodes prove to each other; 32 characters or more",
      placeholder: "SECRET",
      roles: ["gateway", "node"],
      parse: clusterSecret,
      flagless: true,
      fromFile: true,
      show: hide,
    },
    undefined,
  ),
  buckets: setting<readonly string[]>(
    {
      help: "comma list of buckets that are made at the start",
      placeholder: "NAME,...",
      roles: S3_FACE,
      parse: parse.listOf(parse.bucketName),
      flagless: true,
    },
    [],
  ),
  newBuckets: setting(
    {
      help: "new buckets: blocked (as S3's: no ACLs, no public access) or acls (as before 2023)",
      placeholder: "blocked|acls",
      roles: S3_FACE,
      parse: parse.oneOf(["blocked", "acls"]),
    },
    "blocked",
  ),
  users: setting(
    {
      help: "JSON list of {name, accessKey, secretKey, id?, displayName?, email?}, an account each",
      placeholder: "JSON",
      roles: S3_FACE,
      parse: parseUsers,
      flagless: true,
      fromFile: true,
      show: (users) => users.map((user) => ({ ...user, secretKey: HIDDEN })),
    },
    [],
  ),
};

export type SettingKey = keyof typeof SETTINGS;
type ValueOf<Row> = Row extends Setting<infer Value> ? Value : never;

/** Every setting's value, checked. */
export type Settings = {
  readonly [Key in SettingKey]: ValueOf<(typeof SETTINGS)[Key]>;
};

/** A row without its value type, for code that treats all rows alike. */
export interface SettingRow {
  readonly key: SettingKey;
  readonly flag: string | undefined;
  readonly variable: string;
  readonly setting: Setting<unknown>;
}

export const SETTING_ROWS: readonly SettingRow[] = Object.entries(SETTINGS).map(([key, row]) => ({
  // The keys of a literal are what its type says.
  key: key as SettingKey,
  flag: row.flagless ? undefined : (row.flag ?? flagOf(key)),
  variable: variableOf(key),
  // Only ever shown what its own `parse` or `fallback` gave.
  setting: row as Setting<unknown>,
}));
