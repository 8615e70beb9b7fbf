// How long a run will take: what its rounds need, and what is put before them at rates that a slow server has.

import type { Measurement } from "../measure-work.ts";
import { MIB } from "../works/sizes.ts";
import { workOf } from "../works/work-of.ts";
import type { Group } from "./sections.ts";

const PUTS_PER_SECOND = 2_000;
const MIB_PER_SECOND = 200;
/** Starting a server, ending it, removing its folder. */
const SESSION_SECONDS = 4;
/** Preparing requests, checking, reading /proc. */
const ROUND_SECONDS = 0.7;
/** What a round of writes may write is written once before it. */
const WARM_UP_SECONDS = 4;
const CROWD_SECONDS = 8;
const FILLED_BYTES = 320 * MIB;
const DELETED_PER_SECOND = 4_000;

/** Seconds, of which the second and later works on the same objects need none. */
function fillSeconds(measurement: Measurement, filled: Set<string>): number {
  const { filling, bytes, fillsEachRound } = workOf(measurement.work);
  const { keys, rounds, seconds } = measurement;
  if (filling === undefined) return 0;
  if (fillsEachRound === true) return (rounds * seconds * DELETED_PER_SECOND) / PUTS_PER_SECOND;
  const id = `${filling} ${keys}`;
  if (filled.has(id)) return 0;
  filled.add(id);
  if (filling === "list") return keys / PUTS_PER_SECOND;
  const count = Math.max(1, Math.min(keys, FILLED_BYTES / Math.max(1, bytes)));
  return Math.max(count / PUTS_PER_SECOND, (count * bytes) / MIB / MIB_PER_SECOND);
}

export function secondsOf(group: Group): number {
  const filled = new Set<string>();
  let seconds = SESSION_SECONDS;
  for (const measurement of group.measurements) {
    const { rounds, crowd = 0, isRestarted = false } = measurement;
    const extra = isRestarted ? SESSION_SECONDS / 2 : 0;
    // The largest objects take longer than a round.
    const least = workOf(measurement.work).bytes / MIB / MIB_PER_SECOND;
    const isWarmed = workOf(measurement.work).writes === true && measurement.section !== "disk";
    const warmUp = isWarmed ? WARM_UP_SECONDS : 0;
    const round = Math.max(measurement.seconds, least) + ROUND_SECONDS + extra + warmUp;
    const both = crowd > 0 ? 2 * round + CROWD_SECONDS : round;
    seconds += fillSeconds(measurement, filled) + rounds * both + 1;
  }
  return seconds * group.subjects.length;
}
