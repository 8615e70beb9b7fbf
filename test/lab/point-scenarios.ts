// How each named point is reached within a second or two: what the server does when it dies there, and what was there
// before. Passings are counted in each thread by itself, so that what a thread of one use does is counted from one.

import type { CrashPoint } from "../../src/util/crash-point.ts";
import type { FocusName } from "./focused-load.ts";

export type Upkeep = "all" | "compaction" | "drives" | "lifecycle" | "nothing" | "sweep";

export interface Scenario {
  /** It dies at a passing from the first to this one. */
  readonly passingMax: number;
  /** What most calls do; any, where absent. */
  readonly focus?: FocusName;
  /** What is asked for again and again; now and then all, where absent. */
  readonly upkeep?: Upkeep;
  /** Where it dies first, to leave behind what is needed. */
  readonly before?: "journal.cut-noted" | "lost-drive" | "set.durable";
  /** The start at which it dies: without the database, or the very first; under load, where absent. */
  readonly start?: "first" | "recovery";
  /** A test by itself reaches it, and not the laboratory: drives come and go there, or metadata is made anew. */
  readonly isElsewhere?: boolean;
}

const OFTEN = { passingMax: 30 } as const;
const SNAPSHOT = { focus: "inline" } as const;
const LARGE = { focus: "large" } as const;
const RECOVERY = { passingMax: 1, start: "recovery" } as const;
const FIRST = { passingMax: 1, start: "first" } as const;
const ELSEWHERE = { passingMax: 1, isElsewhere: true } as const;

export const SCENARIOS: Readonly<Record<CrashPoint, Scenario>> = {
  "backup.described": ELSEWHERE,
  "backup.begun": ELSEWHERE,
  "backup.copied": ELSEWHERE,
  "compaction.copied": { passingMax: 10, focus: "packed", upkeep: "compaction" },
  "compaction.moved": { passingMax: 10, focus: "packed", upkeep: "compaction" },
  "journal.appended": OFTEN,
  "journal.cut-noted": { passingMax: 5, ...SNAPSHOT },
  "journal.promised": { passingMax: 5, start: "recovery" },
  "journal.segment-named": { passingMax: 8, ...SNAPSHOT },
  "journal.segment-written": { passingMax: 8, ...SNAPSHOT },
  "journal.snapshot-named": { passingMax: 3, ...SNAPSHOT },
  "journal.snapshot-written": { passingMax: 3, ...SNAPSHOT },
  "journal.synced": OFTEN,
  "layout.copied": { passingMax: 5, upkeep: "drives" },
  "layout.published": { passingMax: 1, upkeep: "drives" },
  "layout.retired": { passingMax: 1, upkeep: "drives" },
  "layout.used": { passingMax: 1, upkeep: "drives" },
  "lifecycle.noted": { passingMax: 5, upkeep: "lifecycle" },
  "lifecycle.removed": { passingMax: 8, upkeep: "lifecycle" },
  "metadata.applied": OFTEN,
  "metadata.durable": OFTEN,
  "metadata.committed": OFTEN,
  "object.deleted": { passingMax: 20, focus: "deletes" },
  "object.named": OFTEN,
  "object.refused": { passingMax: 5, focus: "conflicts" },
  "object.stored": OFTEN,
  "pack.opened": { passingMax: 3, focus: "packed", upkeep: "compaction" },
  "pack.some-appended": { passingMax: 60, focus: "packed" },
  "pack.durable": { passingMax: 15, focus: "packed" },
  "pack.some-sealed": { passingMax: 12, focus: "packed", upkeep: "compaction" },
  "pack.before-sealed": { passingMax: 3, focus: "packed", upkeep: "compaction" },
  "rebuild.drafted": ELSEWHERE,
  "rebuild.noted": ELSEWHERE,
  "rebuild.aside": ELSEWHERE,
  "rebuild.placed": ELSEWHERE,
  "rebuild.some-journals": ELSEWHERE,
  "recovery.adopted": FIRST,
  "recovery.played": RECOVERY,
  "recovery.snapshot-restored": { ...RECOVERY, before: "journal.cut-noted" },
  "recovery.database-restored": RECOVERY,
  "recovery.members-caught-up": RECOVERY,
  "recovery.chain-begun": FIRST,
  "recovery.epoch-opened": RECOVERY,
  "repair.found": { passingMax: 3, ...LARGE, before: "lost-drive" },
  "repair.noted": { passingMax: 3, ...LARGE, before: "lost-drive" },
  "repair.shard-named": { passingMax: 3, ...LARGE, before: "lost-drive" },
  "repair.shard-written": { passingMax: 3, ...LARGE, before: "lost-drive" },
  "repair.walked": { passingMax: 1, ...LARGE, before: "lost-drive" },
  "reshape.copied": ELSEWHERE,
  "reshape.named": ELSEWHERE,
  "reshape.noted": ELSEWHERE,
  "set.opened": { passingMax: 10, ...LARGE },
  "set.half-written": { passingMax: 10, ...LARGE },
  "set.before-footers": { passingMax: 10, ...LARGE },
  "set.some-footers": { passingMax: 30, ...LARGE },
  "set.durable": { passingMax: 10, ...LARGE },
  "snapshot.made": { passingMax: 1, ...SNAPSHOT },
  "snapshot.copied": { passingMax: 3, ...SNAPSHOT },
  "snapshot.kept": { passingMax: 2, ...SNAPSHOT },
  "sweep.set-removed": { passingMax: 2, focus: "inline", upkeep: "sweep", before: "set.durable" },
  "trash.dropped": { passingMax: 3, ...LARGE },
  "trash.removed": { passingMax: 3, ...LARGE },
  "trash.set-removed": { passingMax: 10, ...LARGE },
  "upload.aborted": { passingMax: 5, focus: "uploads" },
  "upload.completed": { passingMax: 5, focus: "uploads" },
  "upload.parts-chosen": { passingMax: 5, focus: "uploads" },
  "upload.recorded": { passingMax: 5, focus: "uploads" },
};
