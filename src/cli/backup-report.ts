// What `kintsugi restore` has done, and how it is told.

import { plainText } from "./plain-text.ts";
import { renderCount, renderMany } from "./quantities.ts";

export interface RestoreReport {
  /** The copy that was restored. */
  readonly backup: string;
  readonly backupAt: string;
  /** The last change in it. */
  readonly backupChange: number;
  /** The last change that is in place now. */
  readonly change: number;
  /** The time that the chain notes there; undefined where none was asked for, or noted. */
  readonly at: string | undefined;
  /** Whether the drives' copies know no more. */
  readonly isEnd: boolean;
  /** Sets that the metadata names now, and no drive has anything of. */
  readonly gone: number;
  /** Objects and parts that compaction has moved since, and that were found. */
  readonly moved: number;
  /** Sets whose shards were found elsewhere than the metadata said. */
  readonly placed: number;
  readonly remarks: readonly string[];
  /** Files and folders that were set aside. */
  readonly aside: readonly string[];
}

/** With a line end after every line. */
export function renderRestore(report: RestoreReport): string {
  const { backup, backupAt, backupChange, change, at, isEnd, gone, moved, placed } = report;
  const played = change - backupChange;
  const lines = [
    "The metadata is in place. Start the server; then run kintsugi verify.",
    "",
    `backup        ${plainText(backup)}, of ${backupAt}`,
    `played        ${renderMany(played, "change")} of the drives' copies, up to change ${renderCount(change)}` +
      `${isEnd ? ", the last one" : ""}${at === undefined ? "" : `, as of ${at}`}`,
    ...(gone === 0
      ? []
      : [`gone          the bytes of ${renderMany(gone, "set")}: deleted since, and collected`]),
    ...(moved === 0
      ? []
      : [
          `moved         ${renderMany(moved, "object")} that compaction has moved since, and that were found`,
        ]),
    ...(placed === 0
      ? []
      : [`elsewhere     the shards of ${renderMany(placed, "set")}, and they were found`]),
    ...section("Remarks:", report.remarks),
    ...section("Set aside, and not removed:", report.aside),
  ];
  return `${lines.join("\n")}\n`;
}

function section(name: string, list: readonly string[]): readonly string[] {
  return list.length === 0 ? [] : ["", name, ...list.map((words) => `  ${plainText(words)}`)];
}
