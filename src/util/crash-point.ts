// Named places in the commit paths where the laboratory lets a process die: KINTSUGI_CRASH_AT=name:n ends it, as by
// kill -9, at the n-th time that the point is passed. Without that variable a point costs one comparison.
// A point is named "area.moment"; every name is listed here, so that a run can prove that each one was hit.

export const CRASH_POINTS = [
  "backup.described",
  "backup.begun",
  "backup.copied",
  "compaction.copied",
  "compaction.moved",
  "journal.appended",
  "journal.cut-noted",
  "journal.promised",
  "journal.segment-named",
  "journal.segment-written",
  "journal.snapshot-named",
  "journal.snapshot-written",
  "journal.synced",
  "layout.copied",
  "layout.published",
  "layout.retired",
  "layout.used",
  "lifecycle.noted",
  "lifecycle.removed",
  "metadata.applied",
  "metadata.durable",
  "metadata.committed",
  "object.deleted",
  "object.named",
  "object.refused",
  "object.stored",
  "pack.opened",
  "pack.some-appended",
  "pack.durable",
  "pack.some-sealed",
  "pack.before-sealed",
  "rebuild.drafted",
  "rebuild.noted",
  "rebuild.aside",
  "rebuild.placed",
  "rebuild.some-journals",
  "recovery.adopted",
  "recovery.played",
  "recovery.snapshot-restored",
  "recovery.database-restored",
  "recovery.members-caught-up",
  "recovery.chain-begun",
  "recovery.epoch-opened",
  "repair.found",
  "repair.noted",
  "repair.shard-written",
  "repair.shard-named",
  "repair.walked",
  "reshape.copied",
  "reshape.named",
  "reshape.noted",
  "set.opened",
  "set.half-written",
  "set.before-footers",
  "set.some-footers",
  "set.durable",
  "snapshot.made",
  "snapshot.copied",
  "snapshot.kept",
  "sweep.set-removed",
  "trash.dropped",
  "trash.removed",
  "trash.set-removed",
  "upload.aborted",
  "upload.completed",
  "upload.parts-chosen",
  "upload.recorded",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

const [target, count] = (process.env["KINTSUGI_CRASH_AT"] ?? "").split(":");
let left = Number(count ?? 1);

/** Ends the process here when it was started to die here. */
export function crashPoint(name: CrashPoint): void {
  if (name !== target) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, "SIGKILL");
}
