// What `kintsugi rebuild` has found and done, and how it is told.

import { plainText } from "./plain-text.ts";
import { renderBytes, renderCount, renderMany, renderSeconds } from "./quantities.ts";

export interface RebuildReport {
  readonly isDryRun: boolean;
  /** Whether the new metadata is in place now. */
  readonly isPlaced: boolean;
  /** What it was begun with. */
  readonly base: "database" | "members" | "none" | "snapshot";
  /** The last change of the base. */
  readonly baseChange: number | undefined;
  /** Whether the base knows all that was acknowledged. */
  readonly isBaseWhole: boolean;
  readonly drives: number;
  readonly drivesTotal: number;
  readonly shardFiles: number;
  readonly sets: number;
  /** Packs that were read. */
  readonly packs: number;
  /** Objects and parts that the shards tell of and the base does not decide about. */
  readonly found: number;
  readonly buckets: number;
  readonly objects: number;
  readonly multipart: number;
  readonly bytes: number;
  /** Objects and parts that compaction had moved since the base. */
  readonly moved: number;
  /** Sets of the base whose shards were found elsewhere than it said. */
  readonly placed: number;
  readonly olderCopies: number;
  readonly unfinished: number;
  readonly gone: number;
  readonly foundLayouts: number;
  readonly lost: number;
  readonly looseUploads: number;
  readonly damaged: number;
  readonly refused: number;
  /** The first of each, in words. */
  readonly lostList: readonly string[];
  readonly looseUploadList: readonly string[];
  readonly damagedList: readonly string[];
  readonly refusedList: readonly string[];
  readonly remarks: readonly string[];
  /** Files and folders that were set aside. */
  readonly aside: readonly string[];
  readonly seconds: number;
  /** The most memory that the process had. */
  readonly peakBytes: number;
}

/** What no drive can tell where no copy of the metadata is left. */
const UNKNOWABLE = [
  "objects of up to 16 KiB that were put whole: their bytes lay in the metadata alone",
  "settings of buckets (policies, rules, default encryption, quotas, tags), and buckets that hold nothing that is on the drives",
  "changes after an object was put: tags, access lists, retention, legal holds",
  "copies by reference (CopyObject of more than 1 MiB): they are there under the name that was put alone",
  "deletions: what was deleted and not yet collected is back. Delete it again where it is not wanted",
  "version ids: versions have new ones. Uploads in progress: their parts are kept, and named below",
  "generated root keys, and a master key that the server kept: encrypted objects take the exported one",
] as const;

/** With a line end after every line. */
export function renderRebuild(report: RebuildReport): string {
  const lines = [
    headline(report),
    "",
    `begun with             ${baseWords(report)}`,
    `drives                 ${report.drives} of ${report.drivesTotal}, ${renderMany(report.shardFiles, "shard")} in ${renderMany(report.sets, "set")}`,
    `from the drives alone  ${renderMany(report.objects, "object")} (${renderCount(report.multipart)} of several parts), ${renderBytes(report.bytes)}`,
    `buckets made anew      ${renderCount(report.buckets)}`,
    ...(report.moved === 0
      ? []
      : [`found elsewhere        ${renderMany(report.moved, "object")} that compaction had moved`]),
    ...(report.placed === 0
      ? []
      : [
          `lie elsewhere          the shards of ${renderMany(report.placed, "set")} that the metadata names`,
        ]),
    `superseded             ${renderMany(report.olderCopies, "older copy", "older copies")} of keys; the shards are kept`,
    `never finished         ${renderMany(report.unfinished, "write")}`,
    ...(report.gone === 0
      ? []
      : [
          `not on the drives      ${renderMany(report.gone, "set")} that the metadata names: deleted later, or lost`,
        ]),
    ...(report.foundLayouts === 0
      ? []
      : [
          `layouts                ${renderCount(report.foundLayouts)} made of where shards were found`,
        ]),
    `time                   ${renderSeconds(report.seconds)}, ${renderBytes(report.peakBytes)} of memory at most`,
    ...listed("lost, too few shards", report.lost, report.lostList),
    ...listed("uploads not completed", report.looseUploads, report.looseUploadList),
    ...listed("damaged", report.damaged, report.damagedList),
    ...listed("refused by the metadata", report.refused, report.refusedList),
    ...(report.base === "none"
      ? ["", "What the drives cannot tell:", ...UNKNOWABLE.map(item)]
      : []),
    ...section("Remarks:", report.remarks),
    ...section("Set aside, and not removed:", report.aside),
  ];
  return `${lines.join("\n")}\n`;
}

function headline({ isDryRun, isPlaced, isBaseWhole }: RebuildReport): string {
  if (isPlaced)
    return "The metadata was made anew and is in place. Start the server; then run kintsugi verify.";
  if (isDryRun) return "A dry run: nothing was changed.";
  return isBaseWhole
    ? "The copies of the metadata know all that was acknowledged: nothing was changed. Start the server."
    : "Nothing was changed.";
}

function baseWords({ base, baseChange, isBaseWhole }: RebuildReport): string {
  const change = `up to change ${renderCount(baseChange ?? 0)}`;
  if (base === "none") return "nothing: no copy of the metadata is left";
  if (base === "database") return `the database itself, ${change}`;
  if (base === "snapshot") return `a snapshot on a drive, ${change}`;
  return `the copies on the drives, ${change}${isBaseWhole ? "" : "; fewer than can know everything"}`;
}

function listed(name: string, count: number, list: readonly string[]): readonly string[] {
  if (count === 0) return [];
  const more =
    count > list.length ? [item(`... and ${renderCount(count - list.length)} more`)] : [];
  return ["", `${name}: ${renderCount(count)}`, ...list.map(item), ...more];
}

function section(name: string, list: readonly string[]): readonly string[] {
  return list.length === 0 ? [] : ["", name, ...list.map(item)];
}

function item(words: string): string {
  return `  ${plainText(words)}`;
}
