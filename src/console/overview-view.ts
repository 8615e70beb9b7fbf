// How everything is doing, on one screen: what to look at first, then drives, repair, copies of the metadata and work.

import type { DriveAnswer, DrivesAnswer, HealingAnswer, StatusAnswer } from "./answers.ts";
import { element, meter, section, stateWord, table, type Child } from "./element.ts";
import { formatBytes, formatCount, formatDuration, formatNumberOf, formatTime } from "./format.ts";
import { changeSentence, headlineOf, repairSentences } from "./status-sentences.ts";

/** `layout`: undefined where the server has no say in which drives there are. */
export function overviewView(
  status: StatusAnswer,
  layout: DrivesAnswer | undefined,
): readonly Node[] {
  const { healing, journal, quotas, remarks } = status;
  return [
    element("h1", {}, "Overview"),
    healthSection(status),
    tiles(status),
    drivesSection(status.drives, layout),
    ...(healing === undefined ? [] : [repairSection(status, healing)]),
    ...(journal === undefined ? [] : [membersSection(journal)]),
    workSection(status),
    ...(quotas.length === 0 ? [] : [quotasSection(quotas)]),
    ...(remarks.length === 0 ? [] : [section("Odd at the start", listOf(remarks))]),
  ];
}

function healthSection(status: StatusAnswer): HTMLElement {
  const { isWell, problems } = status;
  return element(
    "section",
    { class: isWell ? "well" : "ill", "aria-label": "Health" },
    element("strong", {}, headlineOf(status)),
    ...(problems.length === 0 ? [] : [listOf(problems)]),
  );
}

function tiles({ totals, disks, geometry, drives, ...status }: StatusAnswer): HTMLElement {
  const { dataShards, parityShards } = geometry;
  return element(
    "dl",
    { class: "tiles" },
    tile("Objects", formatCount(totals.objects)),
    tile("Bytes in them", formatBytes(totals.objectBytes)),
    tile("Buckets", formatCount(totals.buckets)),
    tile("Disks that may fail", `${disks.mayFailBeforeLoss} of ${disks.count}`),
    tile("Drives that may be lost", `${disks.drivesMayBeLost} of ${drives.length}`),
    tile("Shards of a set", `${dataShards} + ${parityShards}`),
    tile("Below redundancy", formatNumberOf(totals.degradedSets, "set")),
    tile("Uploads under way", formatCount(totals.openUploads)),
    tile("Up", formatDuration(status.uptimeSeconds)),
    tile("Version", status.version),
  );
}

function tile(title: string, value: string): HTMLElement {
  return element("div", {}, element("dt", {}, title), element("dd", {}, value));
}

function drivesSection(
  drives: readonly DriveAnswer[],
  layout: DrivesAnswer | undefined,
): HTMLElement {
  const change = layout && changeSentence(layout);
  const columns = [
    { title: "Drive" },
    { title: "State" },
    { title: "Role" },
    { title: "Used" },
    { title: "Free", kind: "number" },
    { title: "Size", kind: "number" },
    { title: "Errors", kind: "number" },
    { title: "Read, 95 of 100", kind: "number" },
  ];
  const rows = drives.map((drive) => driveRow(drive, roleWords(drive, layout)));
  return section(
    "Drives",
    ...(change === undefined ? [] : [element("p", {}, change)]),
    table("Drives", columns, rows),
  );
}

/** What part it has, and of all shards how many belong on it. */
function roleWords({ driveId }: DriveAnswer, layout: DrivesAnswer | undefined): string {
  const entry = layout?.drives.find((each) => each.driveId === driveId);
  if (entry === undefined) return "";
  return `${entry.role}, ${(entry.sharePerMille / 10).toFixed(1)}%`;
}

function driveRow(drive: DriveAnswer, role: string): Child[] {
  const { driveId, label = driveId, state, space, calls, readMs } = drive;
  const lastError = calls?.lastError;
  return [
    element(
      "div",
      {},
      element("span", { class: "key" }, label),
      ...(lastError === undefined ? [] : [element("div", { class: "faint" }, lastError)]),
    ),
    stateWord(state),
    role,
    space === undefined
      ? ""
      : meter(space.totalBytes - space.freeBytes, space.totalBytes, `space used on ${label}`),
    space === undefined ? "" : formatBytes(space.freeBytes),
    space === undefined ? "" : formatBytes(space.totalBytes),
    calls === undefined ? "" : formatCount(calls.errorCount),
    readMs === undefined ? "" : `${readMs.toFixed(1)} ms`,
  ];
}

function repairSection({ totals }: StatusAnswer, healing: HealingAnswer): HTMLElement {
  const { degraded, failing, scrub } = healing;
  const bySpare = degraded.bySpare.map(({ spareCount, sets }) => [
    spareCount < 0 ? "unreadable now" : `may lose ${formatNumberOf(spareCount, "more shard")}`,
    formatCount(sets),
  ]);
  const columns = [{ title: "Sets that lack shards" }, { title: "Sets", kind: "number" }];
  return section(
    "Redundancy and repair",
    element(
      "p",
      {},
      stateWord(healing.state),
      " ",
      ...repairSentences(totals.degradedSets, healing),
    ),
    ...(bySpare.length === 0 ? [] : [table("Sets that lack shards", columns, bySpare)]),
    ...(failing.first.length === 0 ? [] : [listOf(failing.first.map(({ words }) => words))]),
    ...healing.renewedDrives.map(({ driveId, label = driveId, setCount, isDone }) =>
      element(
        "p",
        {},
        `Laid out anew: ${label}, ${formatNumberOf(setCount, "set")} looked at, ${isDone ? "done" : "under way"}.`,
      ),
    ),
    element(
      "p",
      { class: "faint" },
      `Scrub${scrub.isOff === true ? " (off)" : ""}: ${formatNumberOf(scrub.lookedAtSets, "set")} looked at in this pass` +
        (scrub.startedAt === undefined ? "" : `, begun ${formatTime(scrub.startedAt)}`) +
        `; ${formatNumberOf(scrub.passCount, "pass").replace(/passs$/, "passes")} done; ` +
        `${formatNumberOf(scrub.lostShards, "lost shard")} found.`,
    ),
  );
}

function membersSection({ members, sequence }: NonNullable<StatusAnswer["journal"]>): HTMLElement {
  const columns = [
    { title: "Copy on" },
    { title: "State" },
    { title: "Changes behind", kind: "number" },
    { title: "Problem" },
  ];
  const rows = members.map((member) => [
    element("span", { class: "key" }, member.label),
    stateWord(member.state),
    formatCount(Math.max(0, sequence - member.sequence)),
    member.problem ?? "",
  ]);
  return section("Copies of the metadata", table("Copies of the metadata", columns, rows));
}

function workSection({ jobs, workers }: StatusAnswer): HTMLElement {
  const jobRows = jobs.map(({ name, startedAt, progress }) => [
    name,
    formatTime(startedAt),
    JSON.stringify(progress ?? {}),
  ]);
  const workerRows = workers.map(({ name, state, failureCount, lastError }) => [
    name,
    stateWord(state),
    formatCount(failureCount),
    lastError ?? "",
  ]);
  const jobColumns = [{ title: "Job" }, { title: "Since" }, { title: "Progress" }];
  const workerColumns = [
    { title: "In the background" },
    { title: "State" },
    { title: "Failures", kind: "number" },
    { title: "Last error" },
  ];
  return section(
    "Work",
    jobRows.length === 0
      ? element("p", { class: "faint" }, "No job that somebody asked for is under way.")
      : table("Jobs", jobColumns, jobRows),
    table("In the background", workerColumns, workerRows),
  );
}

function quotasSection(quotas: StatusAnswer["quotas"]): HTMLElement {
  const rows = quotas.map(({ bucket, objectBytes, quotaBytes }) => [
    bucket,
    meter(objectBytes, quotaBytes, `quota of ${bucket}`),
    formatBytes(objectBytes),
    formatBytes(quotaBytes),
  ]);
  const columns = [
    { title: "Bucket" },
    { title: "Used" },
    { title: "Holds", kind: "number" },
    { title: "May hold", kind: "number" },
  ];
  return section("Quotas", table("Quotas", columns, rows));
}

function listOf(sentences: readonly string[]): HTMLElement {
  return element("ul", {}, ...sentences.map((words) => element("li", {}, words)));
}
