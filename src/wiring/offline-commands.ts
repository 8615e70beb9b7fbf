// The commands that work on the drives of a stopped server. Each resolves to its exit code: 0 all is well, 1 something is not.

import { basename } from "node:path";
import { renderRestore } from "../cli/backup-report.ts";
import { ProgressLine } from "../cli/progress-line.ts";
import { renderBytes } from "../cli/quantities.ts";
import { renderRebuild } from "../cli/rebuild-report.ts";
import { UsageError } from "../config/usage-error.ts";
import { readConfig, type Config } from "../config.ts";
import { realClock } from "../util/clock.ts";
import { backupTo, isRemote, restoreFrom } from "./backup-place.ts";
import { backupCluster, restoreCluster } from "./backup-cluster.ts";
import { rebuildCluster } from "./rebuild-cluster.ts";

const WELL = 0;
const NOT_WELL = 1;

/** @throws StartError, UsageError in words */
export async function runRebuild(args: readonly string[]): Promise<number> {
  const { config, isGiven } = await readArgs(args, "--dry-run");
  const { settings, operands } = config;
  const progress = new ProgressLine(process.stderr);
  const report = await rebuildCluster({
    folders: operands,
    isDryRun: isGiven,
    acceptLoss: settings.acceptLoss,
    region: settings.region,
    now: () => realClock.now(),
    onProgress: (words) => progress.show(words),
  }).finally(() => progress.clear());
  process.stdout.write(settings.json ? `${JSON.stringify(report)}\n` : renderRebuild(report));
  const { lost, damaged, refused } = report;
  return lost + damaged + refused === 0 ? WELL : NOT_WELL;
}

/** @throws StartError, UsageError in words */
export async function runBackup(args: readonly string[]): Promise<number> {
  const { settings, operands } = (await readArgs(args, "")).config;
  const [to, ...folders] = operands;
  if (to === undefined) {
    throw new UsageError("kintsugi backup takes a folder to write to, or s3://BUCKET/PREFIX");
  }
  const { backup, name } = await backupTo(to, process.env, (folder) =>
    backupCluster({ to: folder, folders, nowMs: realClock.now() }),
  );
  const { sequence, sizeBytes, at } = backup;
  const words = `${name}\n${renderBytes(sizeBytes)}, up to change ${sequence}, ${new Date(at).toISOString()}\n`;
  process.stdout.write(settings.json ? `${JSON.stringify({ ...backup, path: name })}\n` : words);
  return WELL;
}

/** @throws StartError, UsageError, BackupError in words */
export async function runRestore(args: readonly string[]): Promise<number> {
  const { rest, text } = takeFlag(args, "--at");
  const until = text === undefined ? undefined : Date.parse(text);
  if (until !== undefined && !Number.isFinite(until)) {
    throw new UsageError(`--at takes a time such as 2026-11-22T10:00:00Z, not ${text}`);
  }
  const { settings, operands } = (await readArgs(rest, "")).config;
  const [from, ...folders] = operands;
  if (from === undefined)
    throw new UsageError("kintsugi restore takes a folder of backups, or s3://BUCKET/PREFIX");
  const progress = new ProgressLine(process.stderr);
  const report = await restoreFrom({ from, until }, process.env, (place) =>
    restoreCluster({
      from: place,
      folders,
      acceptLoss: settings.acceptLoss,
      until,
      now: () => realClock.now(),
      onProgress: (words) => progress.show(words),
    }),
  ).finally(() => progress.clear());
  // A bucket's files are here only for as long as it takes.
  const backup = isRemote(from) ? `${from}: ${basename(report.backup)}` : report.backup;
  const told = { ...report, backup };
  process.stdout.write(settings.json ? `${JSON.stringify(told)}\n` : renderRestore(told));
  return WELL;
}

/** A flag with a value that is no setting. */
function takeFlag(args: readonly string[], name: string) {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  const flag = args[at];
  if (flag === undefined) return { rest: args, text: undefined };
  const isJoined = flag !== name;
  const text = isJoined ? flag.slice(name.length + 1) : args[at + 1];
  if (text === undefined) throw new UsageError(`${name} needs a value`);
  return { rest: args.toSpliced(at, isJoined ? 1 : 2), text };
}

/** The settings of a server, for they say of whose drives, and one flag of the command's own. */
async function readArgs(
  args: readonly string[],
  flag: string,
): Promise<{ readonly config: Config; readonly isGiven: boolean }> {
  const rest = args.filter((arg) => arg !== flag);
  const { env } = process;
  const config = await readConfig({ role: "server", args: rest, env, mayCreate: false });
  return { config, isGiven: rest.length < args.length };
}
