#!/usr/bin/env node
// The `kintsugi` command: finds the role in the command line and starts it. What a role needs is loaded only when it is
// that role's turn, so that health checks and help are quick. Exit codes: 0 done, 1 failed, 2 usage.

import { UsageError } from "./config/usage-error.ts";
import { ORDERS_VARIABLE } from "./wiring/supervisor-protocol.ts";

const DONE = 0;
const FAILED = 1;
const USAGE = 2;
/** Of commands that ask a server: it could not be asked, or refused. */
const NOT_ASKED = 2;

/** Known here before the settings are read. */
const OFF: ReadonlySet<string> = new Set(["off", "false", "0", "no"]);

/** Of `kintsugi node`, what asks a gateway; else a data node is started with the folders that are named. */
const NODE_VERBS: ReadonlySet<string> = new Set(["list", "add", "drain", "replace", "remove"]);

type Args = readonly string[];
type Command = (args: Args) => Promise<number | undefined>;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["server", (args: Args) => serve("server", args)],
  ["gateway", (args: Args) => serve("gateway", args)],
  ["node", (args: Args) => (NODE_VERBS.has(args[0] ?? "") ? askNode(args) : serve("node", args))],
  ["config", showConfig],
  ["health", checkHealth],
  ["status", askStatus],
  ["verify", askVerify],
  ["heal", askHeal],
  ["drive", askDrive],
  ["reshape", askReshape],
  ["compact", (args: Args) => askJob("compact", "--all", args)],
  ["sweep", (args: Args) => askJob("sweep", "--dry-run", args)],
  ["key", askKey],
  ["quota", askQuota],
  ["rebuild", rebuild],
  ["backup", backup],
  ["restore", restore],
  ["help", showHelp],
  ["version", showVersion],
  ["--help", showHelp],
  ["-h", showHelp],
  ["--version", showVersion],
  ["-v", showVersion],
]);

// A reader that went away is no reason to stop serving.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

try {
  // A role that serves resolves to nothing: it ends the process itself.
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = await explain(error);
}

async function run(args: Args): Promise<number | undefined> {
  const [name, ...rest] = args;
  if (name === undefined) {
    const { renderOverview } = await import("./config/usage.ts");
    process.stderr.write(renderOverview());
    return USAGE;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) {
    const { suggestion } = await import("./config/nearest-name.ts");
    throw new UsageError(`unknown command ${name}${suggestion(name, COMMANDS.keys())}`);
  }
  const untilDashes = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  const asksHelp = untilDashes.includes("--help") || untilDashes.includes("-h");
  return asksHelp ? showHelp([name]) : command(rest);
}

async function serve(role: "gateway" | "node" | "server", args: Args): Promise<undefined> {
  const isWorker = process.env[ORDERS_VARIABLE] !== undefined;
  if (role !== "node" && !isWorker && wantsSupervisor(args)) {
    const { supervise } = await import("./wiring/supervise.ts");
    await supervise(role, args);
    return;
  }
  const { openSupervisorLink } = await import("./wiring/supervisor-link.ts");
  // First of all, so that the supervisor hears from a start that hangs.
  const link = openSupervisorLink();
  const { runRole } = await import("./run-role.ts");
  await runRole(role, args, link);
}

/** Known before anything is loaded; what is given wrongly is told by the worker, which reads all settings. */
function wantsSupervisor(args: Args): boolean {
  const at = args.findIndex((arg) => /^--supervisor(?:=|$)/.test(arg));
  const flag = args[at]?.split("=")[1] ?? args[at + 1];
  return !OFF.has((at < 0 ? process.env["KINTSUGI_SUPERVISOR"] : flag) ?? "");
}

async function showConfig(args: Args): Promise<number> {
  const { readConfig } = await import("./config.ts");
  const rendering = await import("./config/render-config.ts");
  const { accountsOf } = await import("./wiring/accounts.ts");
  const [first, ...rest] = args;
  const named = first === "server" || first === "gateway" || first === "node" ? first : undefined;
  const role = named ?? "server";
  const config = await readConfig({
    role,
    args: named === undefined ? args : rest,
    env: process.env,
    mayCreate: false,
  });
  const { settings, origins } = config;
  const render = settings.json ? rendering.renderConfigJson : rendering.renderConfigText;
  const accounts = role === "node" ? [] : accountsOf(settings.users);
  process.stdout.write(render({ role, settings, origins, accounts }));
  return DONE;
}

async function checkHealth(args: Args): Promise<number> {
  const { readConfig } = await import("./config.ts");
  const { askHealth } = await import("./cli/health.ts");
  const config = await readConfig({ role: "health", args, env: process.env, mayCreate: false });
  const [url, ...more] = config.operands;
  if (more.length > 0) throw new UsageError("kintsugi health takes one URL");
  const answer = await askHealth(url ?? ownUrl(config.settings));
  process[answer.isReady ? "stdout" : "stderr"].write(`${answer.words}\n`);
  return answer.isReady ? DONE : FAILED;
}

async function askStatus(args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { showStatus } = await import("./cli/admin-commands.ts");
  const { context } = await readAdminCommand("status", args, 0);
  return showStatus(context);
}

async function askVerify(args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { verify } = await import("./cli/admin-commands.ts");
  const { context, operands } = await readAdminCommand("verify", args, 1);
  return verify(context, operands[0]);
}

async function askHeal(args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { heal } = await import("./cli/heal-command.ts");
  const rest = args.filter((arg) => arg !== "--watch" && arg !== "--now");
  const { context } = await readAdminCommand("heal", rest, 0);
  return heal(context, { isWatch: args.includes("--watch"), isNow: args.includes("--now") });
}

async function askJob(name: "compact" | "sweep", flag: string, args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const commands = await import("./cli/admin-commands.ts");
  const rest = args.filter((arg) => arg !== flag);
  const { context } = await readAdminCommand(name, rest, 0);
  return commands[name](context, rest.length < args.length);
}

async function askKey(args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const commands = await import("./cli/key-commands.ts");
  const [verb, ...rest] = args;
  const isAsking = verb === undefined || verb.startsWith("-");
  if (isAsking) return commands.showKey((await readAdminCommand("key", args, 0)).context);
  const { context, operands } = await readAdminCommand(`key ${verb}`, rest, 1);
  if (verb === "export") return commands.exportKey(context, operands[0]);
  if (verb !== "confirm") throw new UsageError(`kintsugi key knows no ${verb}: export or confirm`);
  const [id] = operands;
  if (id === undefined) throw new UsageError("kintsugi key confirm takes the key's ID");
  return commands.confirmKey(context, id);
}

async function askDrive(given: Args): Promise<number> {
  const isBare = given[0]?.startsWith("-") === true;
  const [verb = "list", ...rest] = isBare ? ["list", ...given] : given;
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { changeDrives } = await import("./cli/drive-command.ts");
  const { readDriveRequest } = await import("./wiring/drive-request.ts");
  const args = rest.filter((arg) => arg !== "--watch");
  const { context, operands } = await readAdminCommand(`drive ${verb}`, args, Infinity);
  const isWatch = args.length < rest.length;
  return changeDrives(context, readDriveRequest(verb, operands), isWatch);
}

async function askReshape(args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { parseCut, reshape } = await import("./cli/reshape-command.ts");
  const rest = args.filter((arg) => arg !== "--watch");
  const { context, operands } = await readAdminCommand("reshape", rest, 1);
  const [text] = operands;
  const cut = text === undefined ? undefined : parseCut(text);
  if (text !== undefined && cut === undefined) {
    throw new UsageError(`kintsugi reshape takes K+M, such as 4+2, not ${text}`);
  }
  return reshape(context, cut, rest.length < args.length);
}

async function askNode([verb = "list", ...rest]: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { changeNodes } = await import("./cli/node-command.ts");
  const { readNodeRequest } = await import("./wiring/node-request.ts");
  const args = rest.filter((arg) => arg !== "--watch" && arg !== "--require-zones");
  const { context, operands } = await readAdminCommand(`node ${verb}`, args, Infinity);
  const request = readNodeRequest(verb, operands, rest.includes("--require-zones"));
  return changeNodes(context, request, rest.includes("--watch"));
}

async function askQuota(args: Args): Promise<number> {
  const { readAdminCommand } = await import("./wiring/admin-command.ts");
  const { parseQuota, setQuota } = await import("./cli/quota-command.ts");
  const { context, operands } = await readAdminCommand("quota", args, 2);
  const [bucket, text] = operands;
  if (bucket === undefined) throw new UsageError("kintsugi quota takes a BUCKET");
  const quota = text === undefined ? undefined : parseQuota(text);
  if (text !== undefined && quota === undefined) {
    throw new UsageError(`kintsugi quota takes none or bytes, such as 500GiB, not ${text}`);
  }
  return setQuota(context, bucket, quota);
}

async function rebuild(args: Args): Promise<number> {
  const { runRebuild } = await import("./wiring/offline-commands.ts");
  return runRebuild(args);
}

async function backup(args: Args): Promise<number> {
  const { runBackup } = await import("./wiring/offline-commands.ts");
  return runBackup(args);
}

async function restore(args: Args): Promise<number> {
  const { runRestore } = await import("./wiring/offline-commands.ts");
  return runRestore(args);
}

/** Where a server with these settings is reached from this machine. */
function ownUrl(settings: { host: string; port: number; tlsCert: string | undefined }): string {
  const { port, tlsCert } = settings;
  const host = ["0.0.0.0", "::"].includes(settings.host) ? "127.0.0.1" : settings.host;
  const name = host.includes(":") ? `[${host}]` : host;
  return `${tlsCert === undefined ? "http" : "https"}://${name}:${port}`;
}

async function showHelp([name]: Args): Promise<number> {
  const usage = await import("./config/usage.ts");
  const text =
    name === undefined || name.startsWith("-")
      ? usage.renderOverview()
      : usage.renderCommandHelp(name);
  if (text === undefined) {
    const { suggestion } = await import("./config/nearest-name.ts");
    const names = usage.COMMANDS.map((command) => command.name);
    throw new UsageError(`there is no command ${name ?? ""}${suggestion(name ?? "", names)}`);
  }
  process.stdout.write(text);
  return DONE;
}

async function showVersion(): Promise<number> {
  const { readVersion } = await import("./wiring/read-version.ts");
  process.stdout.write(`${await readVersion()}\n`);
  return DONE;
}

/** The help that lists what this command takes: the overview names commands only. */
async function helpFor(name: string | undefined): Promise<string> {
  const { COMMANDS: described } = await import("./config/usage.ts");
  const isDescribed = name !== "help" && described.some((command) => command.name === name);
  return isDescribed ? `help ${name}` : "help";
}

async function explain(error: unknown): Promise<number> {
  if (error instanceof UsageError) {
    process.stderr.write(`kintsugi: ${error.message}\n`);
    process.stderr.write(
      `Run \`kintsugi ${await helpFor(process.argv[2])}\` to see what may be given.\n`,
    );
    return USAGE;
  }
  if (error instanceof Error && error.name === "AdminRefusal") {
    process.stderr.write(`kintsugi: ${error.message}\n`);
    return NOT_ASKED;
  }
  const { failureWords } = await import("./wiring/explain-failure.ts");
  process.stderr.write(`kintsugi: ${failureWords(error)}\n`);
  return FAILED;
}
