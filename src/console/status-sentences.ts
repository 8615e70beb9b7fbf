// The status in sentences. Pure.

import type { DrivesAnswer, HealingAnswer, StatusAnswer } from "./answers.ts";
import { formatBytes, formatCount, formatDuration, formatNumberOf } from "./format.ts";

export function headlineOf({ isWell, isWritable, problems }: StatusAnswer): string {
  if (isWell) return "All is well.";
  const words = `${formatNumberOf(problems.length, "thing")} to look at`;
  return isWritable ? `${words}:` : `${words}, and new objects are refused:`;
}

export function repairSentences(degradedSets: number, healing: HealingAnswer): readonly string[] {
  const { degraded, waitingSets, failing, done, rateBytes, secondsLeft } = healing;
  const sentences: string[] = [];
  if (degradedSets === 0) sentences.push("Every set has all its shards.");
  else {
    const isMore = degraded.isMore ? "more than " : "";
    sentences.push(
      `${formatNumberOf(degradedSets, "set")} below full redundancy; ${isMore}${formatBytes(degraded.bytes)} to make anew.`,
    );
  }
  if (waitingSets > 0) sentences.push(`${formatNumberOf(waitingSets, "set")} wait for drives.`);
  if (failing.sets > 0)
    sentences.push(`${formatNumberOf(failing.sets, "set")} cannot be repaired now.`);
  if (rateBytes > 0) {
    const left = secondsLeft === undefined ? "" : `, ${formatDuration(secondsLeft)} left`;
    sentences.push(`${formatBytes(Math.round(rateBytes))} a second${left}.`);
  }
  if (done.sets > 0) {
    sentences.push(
      `Since the start: ${formatNumberOf(done.sets, "set")} made whole, ${formatBytes(done.writtenBytes)} written.`,
    );
  }
  return sentences.map((sentence) => `${sentence} `);
}

/** Undefined while no drives come or go. */
export function changeSentence({ change }: DrivesAnswer): string | undefined {
  const { phase, seenSets, totalSets, movedShards, rateBytes, waitingSets, problem } = change;
  if (phase === "idle") return undefined;
  const waiting =
    waitingSets === 0 ? "" : `, ${formatNumberOf(waitingSets, "set")} could not be moved`;
  return (
    `Drives come or go (${phase}): ${formatCount(seenSets)} of ${formatNumberOf(totalSets, "set")} seen, ` +
    `${formatNumberOf(movedShards, "shard")} moved, ${formatBytes(Math.round(rateBytes))} a second${waiting}` +
    `${problem === undefined ? "" : `: ${problem}`}.`
  );
}
