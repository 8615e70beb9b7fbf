// Plays the members' chain on a copy of the database that lies on it: to its end, or up to a time, which notes in the chain
// tell. Members are only read.

import {
  JournalError,
  type ChainPosition,
  type JournalMember,
} from "../../../journal/journal-member.ts";
import { parseRecord, RECORD_KIND } from "../../../journal/journal-record.ts";
import { sourceOf } from "../../members/bring-up.ts";
import type { ChainSource } from "../../members/chain-source.ts";
import type { SurveyedMember } from "../../members/survey.ts";
import { readPosition } from "../chain-state.ts";
import { parseEffects } from "../effects.ts";
import { openBesideMembers } from "../open-database.ts";
import { ChainReplay } from "../replay.ts";

/** Under this name the time is noted as the progress of a job: milliseconds since 1970, as text. */
export const CLOCK_JOB = "kintsugi.clock";

export interface PlayOptions {
  readonly path: string;
  readonly members: readonly JournalMember[];
  /** Up to the last note of the time that is not after this, in milliseconds since 1970; undefined: to the end. */
  readonly until: number | undefined;
  readonly onProgress: (words: string) => void;
}

export interface Played {
  readonly from: ChainPosition;
  readonly to: ChainPosition;
  /** The last note of the time that was played; undefined where there was none. */
  readonly noted: number | undefined;
  /** Whether anything after the copy says when it was: without that no time can be found. */
  readonly isTimed: boolean;
  /** Whether that is the end of the chain. */
  readonly isEnd: boolean;
  /** Whether a member knows what came later than the copy, and cannot go on from it. */
  readonly isBehind: boolean;
  /** Why nothing could be played, in a sentence; undefined where the chain goes on from the copy. */
  readonly refusal: string | undefined;
}

const CHUNK_BYTES = 8 * 1024 * 1024;

/** The file is whole and closed when it resolves. */
export async function playUntil(options: PlayOptions): Promise<Played> {
  const database = openBesideMembers(options.path);
  try {
    const replay = new ChainReplay(database);
    const from = readPosition(database);
    const surveyed = await inspectAll(options.members);
    const found = await findSource(surveyed, from);
    if (found === undefined) {
      const refusal = `no member holds the changes that follow change ${from.sequence}`;
      const isBehind = surveyed.some(
        ({ state: { head } }) => head.epoch > from.epoch || head.sequence > from.sequence,
      );
      const nothing = { to: from, noted: undefined, isTimed: false, isEnd: false };
      return { from, ...nothing, isBehind, refusal };
    }
    const { source, head } = found;
    const target = await findTarget(options, { source, from, head });
    while (replay.position.sequence < target.sequence) {
      const { sequence } = replay.position;
      const records = await source.read(sequence + 1, CHUNK_BYTES);
      replay.play(records.slice(0, target.sequence - sequence));
      options.onProgress(`change ${replay.position.sequence} of ${target.sequence} is played`);
    }
    database.pragma("wal_checkpoint(TRUNCATE)");
    const isEnd = replay.position.sequence === head.sequence;
    const { noted, isTimed } = target;
    const rest = { isEnd, isBehind: false, refusal: undefined };
    return { from, to: replay.position, noted, isTimed, ...rest };
  } finally {
    database.close();
  }
}

interface FoundSource {
  readonly source: ChainSource;
  readonly head: ChainPosition;
}

/** Those that have anything. */
async function inspectAll(members: readonly JournalMember[]): Promise<readonly SurveyedMember[]> {
  const asked = await Promise.allSettled(
    members.map(async (member) => ({ member, state: await member.inspect() })),
  );
  return asked.flatMap((result) =>
    result.status === "fulfilled" && !result.value.state.isBlank ? [result.value] : [],
  );
}

/** The longest chain on which the place lies. */
async function findSource(
  surveyed: readonly SurveyedMember[],
  from: ChainPosition,
): Promise<FoundSource | undefined> {
  const longest = surveyed
    .filter(({ state }) => state.head.sequence >= from.sequence)
    .toSorted(byHead);
  for (const best of longest) {
    const source = await sourceOf(best, surveyed);
    if (source.base.sequence > from.sequence) continue;
    if (await isOnChain(source, from)) return { source, head: best.state.head };
  }
  return undefined;
}

function byHead({ state: a }: SurveyedMember, { state: b }: SurveyedMember): number {
  return b.head.epoch - a.head.epoch || b.head.sequence - a.head.sequence;
}

async function isOnChain(
  source: ChainSource,
  { sequence, digest }: ChainPosition,
): Promise<boolean> {
  try {
    return (await source.digestAt(sequence)) === digest;
  } catch (error) {
    if (error instanceof JournalError) return false;
    throw error;
  }
}

/** How far to play, and the last note of the time up to there. */
async function findTarget(
  { until }: PlayOptions,
  { source, from, head }: FoundSource & { readonly from: ChainPosition },
): Promise<Pick<Played, "isTimed" | "noted"> & { readonly sequence: number }> {
  if (until === undefined) return { sequence: head.sequence, noted: undefined, isTimed: false };
  let { sequence } = from;
  let noted: number | undefined;
  let isPast = false;
  for (let at = from.sequence; at < head.sequence && !isPast;) {
    const records = await source.read(at + 1, CHUNK_BYTES);
    for (const bytes of records) {
      at += 1;
      const time = at > head.sequence ? undefined : timeIn(bytes);
      if (time === undefined) continue;
      isPast = time > until;
      if (isPast) break;
      sequence = at;
      noted = time;
    }
  }
  // What follows the last note may have been changed at any time after it, in the seconds before the end: it may be what is
  // to be taken back.
  return { sequence, noted, isTimed: isPast || noted !== undefined };
}

/** The time that a record notes; undefined for all others. */
function timeIn(bytes: Uint8Array): number | undefined {
  const { kind, payload } = parseRecord(bytes);
  if (kind !== RECORD_KIND.changes) return undefined;
  let time: number | undefined;
  for (const { values } of parseEffects(payload)) {
    const [name, text] = Object.values(values);
    if (name === CLOCK_JOB && typeof text === "string") time = Number(text);
  }
  return time;
}
