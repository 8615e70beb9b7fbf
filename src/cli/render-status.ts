// The status as one screen of text.

import { renderBytes, renderCount, renderMany, renderSeconds } from "./quantities.ts";
import type { DriveAnswer, StatusAnswer } from "./status-answer.ts";

const QUOTAS_SHOWN_MAX = 5;

/** With a line end after every line. */
export function renderStatus(status: StatusAnswer): string {
  const { version, endpoint, uptimeSeconds } = status;
  const lines = [
    `Kintsugi ${version} at ${endpoint}, up ${renderSeconds(uptimeSeconds)}`,
    ...labelled("state", stateWords(status)),
    ...labelled("disks", diskWords(status)),
    ...labelled("redundancy", redundancyWords(status)),
    ...healingLines(status),
    ...labelled("objects", objectWords(status)),
    ...quotaLines(status),
    ...labelled("sets", setWords(status)),
    ...labelled("metadata", metadataWords(status)),
    ...labelled("work", workWords(status)),
    "",
    ...table(status.drives.map(driveCells)),
    ...section("to look at", status.problems),
    ...section("noted at the start", status.remarks),
  ];
  return `${lines.join("\n")}\n`;
}

function labelled(label: string, words: string): readonly string[] {
  return [`  ${label.padEnd(12)}${words}`];
}

function section(title: string, sentences: readonly string[]): readonly string[] {
  if (sentences.length === 0) return [];
  return ["", title, ...sentences.map((sentence) => `  - ${sentence}`)];
}

function stateWords({ isWell, isWritable, problems }: StatusAnswer): string {
  if (isWell) return "all well";
  const writes = isWritable ? "" : "; new objects are refused";
  return `${renderMany(problems.length, "thing")} to look at, named below${writes}`;
}

function diskWords({ disks, drives }: StatusAnswer): string {
  const { count, mayFailBeforeLoss: loss, mayFailBeforeOutage: outage } = disks;
  // Of drives that are away nobody knows which disk is theirs.
  const knownCount = drives.filter(({ device }) => device !== undefined).length;
  const shared =
    count < knownCount && count > 0
      ? ` (drives share disks: ${renderMany(disks.drivesMayBeLost, "drive")} may be lost)`
      : "";
  return (
    `${renderMany(count, "disk")} under ${renderMany(drives.length, "drive")}; ` +
    `${loss} may still fail without loss, ${outage} without an outage of writes${shared}`
  );
}

function redundancyWords({ geometry, writeQuorum, totals }: StatusAnswer): string {
  const { dataShards, parityShards } = geometry;
  return (
    `${dataShards} data + ${parityShards} parity; a write takes ${renderMany(writeQuorum, "drive")}; ` +
    `${renderMany(totals.degradedSets, "set")} below full redundancy`
  );
}

/** Only where something is done, or should be. */
function healingLines({ healing }: StatusAnswer): readonly string[] {
  if (healing === undefined || healing.state === "idle") return [];
  const { state, degraded, rateBytes, secondsLeft } = healing;
  const left = secondsLeft === undefined ? "" : `, about ${renderSeconds(secondsLeft)} left`;
  const rate = state === "repairing" ? `, ${renderBytes(rateBytes)}/s${left}` : "";
  return labelled("healing", `${state}: ${renderMany(degraded.sets, "set")} to go${rate}`);
}

function objectWords({ totals }: StatusAnswer): string {
  const { objects, objectBytes, buckets, openUploads } = totals;
  return (
    `${renderMany(objects, "object")} of ${renderBytes(objectBytes)} in ${renderMany(buckets, "bucket")}; ` +
    renderMany(openUploads, "open upload")
  );
}

/** The fullest buckets of those that have a quota. */
function quotaLines({ quotas = [] }: StatusAnswer): readonly string[] {
  const rest = quotas.length - QUOTAS_SHOWN_MAX;
  const words = quotas
    .slice(0, QUOTAS_SHOWN_MAX)
    .map(
      ({ bucket, objectBytes, quotaBytes }) =>
        `${bucket} ${renderBytes(objectBytes)} of ${renderBytes(quotaBytes)}`,
    );
  if (rest > 0) words.push(renderMany(rest, "other"));
  return words.length === 0 ? [] : labelled("quotas", words.join("; "));
}

function setWords({ totals }: StatusAnswer): string {
  const { sets, packs, trashedSets } = totals;
  return `${renderCount(sets)}, ${renderMany(packs, "pack")} among them; ${renderCount(trashedSets)} in the trash`;
}

function metadataWords({ journal, metadata }: StatusAnswer): string {
  const { space } = metadata;
  const left = space === undefined ? "" : `; ${renderBytes(space.freeBytes)} left`;
  if (journal === undefined) return `one copy${left}`;
  const good = journal.members.filter(({ state }) => state === "good").length;
  return (
    `${good} of ${renderMany(journal.members.length, "copy", "copies")} up to date, ` +
    `epoch ${journal.epoch}, change ${renderCount(journal.sequence)}${left}`
  );
}

function workWords({ workers, jobs }: StatusAnswer): string {
  const running = jobs.map(({ name, startedAt }) => `${name} since ${startedAt}`);
  return [...workers.map(({ name, state }) => `${name} ${state}`), ...running].join(", ");
}

const HEAD = ["  drive", "state", "free", "of", "inodes", "device", "read"];

function driveCells({ label, driveId, state, space, device, readMs }: DriveAnswer): string[] {
  return [
    `  ${label ?? driveId}`,
    state,
    space === undefined ? "-" : renderBytes(space.freeBytes),
    space === undefined ? "-" : renderBytes(space.totalBytes),
    space?.freeInodes === undefined ? "-" : renderCount(space.freeInodes),
    device ?? "-",
    readMs === undefined || readMs === 0 ? "-" : `${readMs.toFixed(1)} ms`,
  ];
}

function table(rows: readonly string[][]): readonly string[] {
  const all = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
