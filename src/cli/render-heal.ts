// How repair goes, as text.

import type { HealAnswer } from "./heal-answer.ts";
import { renderBytes, renderCount, renderMany, renderSeconds } from "./quantities.ts";

const FAILING_SHOWN_MAX = 10;

/** One line, for progress. */
export function renderHealShort(answer: HealAnswer): string {
  const { degraded, done, rateBytes, secondsLeft } = answer;
  const left = secondsLeft === undefined ? "" : `, about ${renderSeconds(secondsLeft)} left`;
  return (
    `heal: ${renderMany(degraded.sets, "set")} to go, ${renderCount(done.sets)} done, ` +
    `${renderBytes(rateBytes)}/s${left}`
  );
}

/** With a line end after every line. */
export function renderHeal(answer: HealAnswer): string {
  const lines = [
    ...labelled("state", stateWords(answer)),
    ...labelled("degraded", degradedWords(answer)),
    ...labelled("since start", doneWords(answer)),
    ...answer.renewedDrives.flatMap((drive) => labelled("new drive", driveWords(drive))),
    ...labelled("scrub", scrubWords(answer)),
    ...failingLines(answer),
  ];
  return `${lines.join("\n")}\n`;
}

function labelled(label: string, words: string): readonly string[] {
  return [`  ${label.padEnd(13)}${words}`];
}

function stateWords({ state, isUnthrottled, rateBytes, secondsLeft }: HealAnswer): string {
  if (state === "idle") return "nothing to repair";
  if (state === "looking") return "looking at what lacks shards";
  if (state === "waiting") return "waiting: for drives that are away, or to try again";
  const left = secondsLeft === undefined ? "" : `, about ${renderSeconds(secondsLeft)} left`;
  const pace = isUnthrottled ? ", as fast as it goes" : "";
  return `repairing, ${renderBytes(rateBytes)}/s${left}${pace}`;
}

function degradedWords({ degraded, waitingSets }: HealAnswer): string {
  const { sets, bytes, bySpare, isMore } = degraded;
  if (sets === 0) return "nothing";
  const spares = bySpare.map(({ spareCount, sets: count }) =>
    spareCount < 0
      ? `${renderCount(count)} cannot be read now`
      : `${renderCount(count)} may lose ${renderMany(spareCount, "more shard", "more shards")}`,
  );
  const waiting = waitingSets === 0 ? [] : [`${renderMany(waitingSets, "set")} wait for drives`];
  const more = isMore ? " and more" : "";
  const lacking = `${renderMany(sets, "set")}${more}, about ${renderBytes(bytes)} to write`;
  return [lacking, ...spares, ...waiting].join("; ");
}

function doneWords({ done }: HealAnswer): string {
  const { sets, rebuiltShards, writtenBytes } = done;
  return (
    `${renderMany(sets, "set")} made whole: ${renderMany(rebuiltShards, "shard")} made anew ` +
    `(${renderBytes(writtenBytes)})`
  );
}

function driveWords(drive: HealAnswer["renewedDrives"][number]): string {
  const { label, driveId, setCount, missingCount, isDone } = drive;
  const words = isDone ? "looked through" : "being looked through";
  return `${label ?? driveId} ${words}: ${renderMany(setCount, "set")}, ${renderCount(missingCount)} lacked it`;
}

function scrubWords({ scrub }: HealAnswer): string {
  if (scrub.isOff === true) return "off (--scrub-days 0)";
  const { lookedAtSets, passCount, lostShards, problemSets } = scrub;
  const problems =
    problemSets === 0 ? "" : `; ${renderMany(problemSets, "set")} could not be checked`;
  return (
    `${renderMany(lookedAtSets, "set")} read in this pass, ${renderMany(passCount, "pass", "passes")} done, ` +
    `${renderMany(lostShards, "lost shard")} found${problems}`
  );
}

function failingLines({ failing }: HealAnswer): readonly string[] {
  if (failing.sets === 0) return [];
  const shown = failing.first.slice(0, FAILING_SHOWN_MAX);
  const rest = failing.sets - shown.length;
  return [
    "",
    "cannot be repaired now",
    ...shown.map(
      ({ setId, words, triedCount, secondsLeft }) =>
        `  - set ${setId}: ${words} (tried ${renderMany(triedCount, "time")}, again in ${renderSeconds(secondsLeft)})`,
    ),
    ...(rest > 0 ? [`  - and ${renderMany(rest, "other")}: see --json`] : []),
  ];
}
