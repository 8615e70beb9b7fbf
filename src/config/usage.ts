// `kintsugi help`: the roles, and for each what may be set, from the settings table.

import type { Role } from "./setting.ts";
import { SETTING_ROWS } from "./settings-table.ts";
import type { SettingRow } from "./settings-table.ts";

interface Command {
  readonly name: string;
  readonly synopsis: string;
  readonly summary: string;
  /** What further lines say in the command's own help. */
  readonly detail: readonly string[];
  /** Whose settings its help lists. */
  readonly role?: Role;
}

const ADMIN_DETAIL = [
  "Asks a running server's admin API, by default http://127.0.0.1:9001, with the root account's keys:",
  "KINTSUGI_ACCESS_KEY and KINTSUGI_SECRET_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
];

/** What may stand after `kintsugi`. */
export const COMMANDS: readonly Command[] = [
  {
    name: "server",
    synopsis: "server [DIR...]",
    summary: "everything on one machine: S3, metadata and drives",
    detail: [
      "One DIR (default ./data): drive folders DIR/drive-1, DIR/drive-2, ... are made in it.",
      "Several DIRs: each of them is a drive.",
    ],
    role: "server",
  },
  {
    name: "gateway",
    synopsis: "gateway [DIR] --nodes URL,...",
    summary: "the S3 front end of a cluster, with its metadata in DIR",
    detail: ["DIR defaults to ./data."],
    role: "gateway",
  },
  {
    name: "node",
    synopsis: "node [DIR...]",
    summary: "a data node: serves the shards of its drives to gateways",
    detail: [
      "Each DIR (default ./data) is a drive.",
      "kintsugi node list | add URL... | drain NODE | replace NODE [URL] | remove NODE [--watch] asks a running gateway's",
      "admin API instead, as kintsugi drive does (folders of such names: ./list). NODE: a URL, an id, or a number in the list.",
      "add: takes nodes in, and moves their share there. drain: moves all that is on a node to the others.",
      "replace: has another node take the place of one; without a URL one that came back with empty folders. remove: takes a",
      "drained node out. --watch: shows it until it is done. --require-zones: refuses what would let the loss of one zone",
      "(kintsugi node DIR --zone NAME; without one a node is a zone of its own) cost more shards than parity replaces.",
    ],
    role: "node",
  },
  {
    name: "config",
    synopsis: "config [server|gateway|node] [FLAG...]",
    summary: "prints which settings would be in force, and where each comes from",
    detail: [
      "Takes the flags of that role (default: server). Secrets are not shown.",
      "Also lists the accounts with the number, ARN and canonical id that bucket policies name them by.",
    ],
  },
  {
    name: "health",
    synopsis: "health [URL]",
    summary: "asks a server or node whether it is ready; exit code 0 or 1",
    detail: ["URL defaults to the address that the settings give, http://127.0.0.1:9000."],
    role: "health",
  },
  {
    name: "status",
    synopsis: "status",
    summary: "how a running server is doing: drives, redundancy, room, work",
    detail: [
      ...ADMIN_DETAIL,
      "Exit codes: 0 all well, 1 something to look at, 2 it could not be asked.",
    ],
    role: "admin",
  },
  {
    name: "verify",
    synopsis: "verify [BUCKET[/PREFIX]]",
    summary: "reads every byte and compares it with what was written",
    detail: [
      ...ADMIN_DETAIL,
      "Findings are printed as they come, progress to standard error; with --json one object a line.",
      "Exit codes: 0 everything is whole, 1 there are findings, 2 it could not be asked.",
    ],
    role: "admin",
  },
  {
    name: "drive",
    synopsis:
      "drive [list | add FOLDER... | drain DRIVE | replace DRIVE FOLDER | remove DRIVE] [--watch]",
    summary: "the drives, and how to have some come or go while the server runs",
    detail: [
      ...ADMIN_DETAIL,
      "DRIVE: its folder, its id, or its number in the list. FOLDER: a blank folder of the server's machine.",
      "add: takes folders in as drives, and moves their share there. drain: moves all that is on a drive to the others.",
      "replace: has a folder take the place of a drive. remove: takes a drained drive out. --watch: shows it until it is done.",
      "Exit codes: 0 done, 1 a drive does not answer or something waits, 2 it could not be asked, or was refused.",
    ],
    role: "admin",
  },
  {
    name: "reshape",
    synopsis: "reshape [K+M] [--watch]",
    summary: "cuts what is stored into k+m shards, while the server runs",
    detail: [
      ...ADMIN_DETAIL,
      "K+M: such as 4+2: four shards of data and two of parity, each on a drive of its own. Default: as the drives' number says:",
      "1 drive 1+0, 2 1+1, 3 2+1, 4 and 5 2+2, 6 to 11 4+2, 12 and more 8+4. --watch: shows it until it is done.",
      "Exit codes: 0 it is done, or goes on by itself, 1 something could not be done yet, 2 it could not be asked, or was refused.",
    ],
    role: "admin",
  },
  {
    name: "heal",
    synopsis: "heal [--watch] [--now]",
    summary: "what lacks redundancy, and how far it has been made whole",
    detail: [
      ...ADMIN_DETAIL,
      "Repair goes on by itself. --watch: shows it until nothing more is done. --now: at once, and as fast as it goes.",
      "Exit codes: 0 all is whole, 1 something is not, 2 it could not be asked.",
    ],
    role: "admin",
  },
  {
    name: "compact",
    synopsis: "compact [--all]",
    summary: "gives back the room of deleted small objects",
    detail: [...ADMIN_DETAIL, "--all: wherever there is any, not only where it pays."],
    role: "admin",
  },
  {
    name: "sweep",
    synopsis: "sweep [--dry-run]",
    summary: "removes what processes that were killed left on the drives",
    detail: [...ADMIN_DETAIL, "--dry-run: only says what there is."],
    role: "admin",
  },
  {
    name: "key",
    synopsis: "key [export [FILE] | confirm ID]",
    summary: "the master key of encryption (SSE-S3): a copy of it, and whether there is one",
    detail: [
      ...ADMIN_DETAIL,
      "export: writes the key that the server keeps, made where there is none, to FILE (or standard output), and has it used.",
      "confirm: says that there is a copy of the key of that id.",
      "Without either: which key is in use. Exit codes: 0 objects can be encrypted, 1 not now, 2 it could not be asked.",
    ],
    role: "admin",
  },
  {
    name: "quota",
    synopsis: "quota BUCKET [BYTES|none]",
    summary: "how much a bucket holds, and how much it may hold",
    detail: [
      ...ADMIN_DETAIL,
      "BYTES, such as 1000000, 10GiB or 1.5TB, counts all versions of all objects; what would exceed it is refused.",
      "Exit codes: 0 done, 1 the bucket is full, 2 it could not be asked.",
    ],
    role: "admin",
  },
  {
    name: "rebuild",
    synopsis: "rebuild [DIR...] [--dry-run]",
    summary: "makes the metadata of a stopped server anew from its drives",
    detail: [
      "DIR as of kintsugi server. Takes what is left of the metadata and its copies, and adds what the shards tell.",
      "What stood there is set aside, not removed. --dry-run: only says what there is.",
      "More drives away than parity replaces: --accept-loss on. --json: the report as JSON.",
      "Exit codes: 0 all that was found is back, 1 something is lost, damaged or was refused, 2 usage.",
    ],
  },
  {
    name: "backup",
    synopsis: "backup TO [DIR...]",
    summary: "a copy of the metadata in the folder TO, while the server runs",
    detail: [
      "DIR as of kintsugi server, on whose machine it runs. TO holds any number of backups, each with its description.",
      "TO may be s3://BUCKET/PREFIX: then AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say where.",
      "The objects' bytes are not in it: they are on the drives.",
    ],
  },
  {
    name: "restore",
    synopsis: "restore FROM [DIR...] [--at TIME]",
    summary: "puts a backup of the metadata in place, the server being stopped",
    detail: [
      "FROM: a folder of backups (the newest, or the newest before TIME), s3://BUCKET/PREFIX, or the description (.json) of one.",
      "What the drives' copies know beyond it is played on top, up to TIME (2026-11-22T10:00:00Z) where one is given.",
      "What stood there is set aside, not removed. Bytes that were deleted since, and collected, do not come back: --keep-trash of",
      "the server says how long they are kept. More drives away than parity replaces: --accept-loss on.",
    ],
  },
  {
    name: "help",
    synopsis: "help [COMMAND]",
    summary: "prints this, or the help of one command",
    detail: [],
  },
  { name: "version", synopsis: "version", summary: "prints the version", detail: [] },
];

/** Longer ones are told by the command's own help: the overview is to fit a terminal. */
const SYNOPSIS_MAX = 32;

export function renderOverview(): string {
  const lines = COMMANDS.map(({ name, synopsis, summary }) => {
    const shown = synopsis.length > SYNOPSIS_MAX ? `${name} ...` : synopsis;
    return `  kintsugi ${shown.padEnd(SYNOPSIS_MAX)}  ${summary}`;
  });
  return [
    "Kintsugi, a self-hosted S3-compatible object store.",
    "",
    ...lines,
    "",
    "`kintsugi help COMMAND` lists what may be set. Exit codes: 0 done, 1 failed, 2 usage.",
    "",
  ].join("\n");
}

/** The help of one command; undefined when there is none of that name. */
export function renderCommandHelp(name: string): string | undefined {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) return undefined;
  const { role } = command;
  const head = [`kintsugi ${command.synopsis}`, `  ${command.summary}`];
  const detail = command.detail.map((line) => `  ${line}`);
  const settings = role === undefined ? [] : settingLines(role);
  return `${[...head, ...detail, ...settings].join("\n")}\n`;
}

function settingLines(role: Role): readonly string[] {
  const rows = SETTING_ROWS.filter((row) => row.setting.roles.includes(role));
  const withFlag = rows.filter((row) => row.flag !== undefined);
  const without = rows.filter((row) => row.flag === undefined);
  const fromFile = without.length === 0 ? [] : ["", "By environment or file alone:"];
  return [
    "",
    "Flags; each also as a variable (--log-level: KINTSUGI_LOG_LEVEL) or in the --config file (logLevel):",
    ...withFlag.map((row) => settingLine(row, role)),
    ...fromFile,
    ...without.map((row) => settingLine(row, role)),
  ];
}

function settingLine(row: SettingRow, role: Role): string {
  const { setting, flag, variable } = row;
  const aliases = setting.aliases === undefined ? "" : ` (or ${setting.aliases.join(", ")})`;
  const orFile = setting.fromFile === true ? ` (or ${variable}_FILE)` : "";
  const name = flag === undefined ? variable : `${flag} ${setting.placeholder}`.trimEnd();
  const fallback = setting.show(setting.fallback(role));
  const shown = wordsOf(fallback);
  const rest = shown === "" ? setting.help : `${setting.help} [${shown}]`;
  return `  ${name.padEnd(26)}  ${rest}${orFile}${aliases}`;
}

function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(wordsOf).join(",");
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
