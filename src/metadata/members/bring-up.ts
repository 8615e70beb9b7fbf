// Brings a member up to a place in the chain: finds the last record that it shares with those that have the whole of it,
// sets aside what it has beyond, and appends what it lacks. One that lags behind their oldest record begins anew there:
// what lies before is in snapshots. One that has lost records counts again only when it is there.

import {
  JournalError,
  type Authority,
  type ChainPosition,
  type JournalMember,
  type MemberState,
} from "../../journal/journal-member.ts";
import { parseRecord } from "../../journal/journal-record.ts";
import { ChainSource, isSame, positionOf, type ChainHolder } from "./chain-source.ts";
import type { SurveyedMember } from "./survey.ts";

/** Bytes of records that are carried over at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

export interface BringUpOptions {
  readonly member: JournalMember;
  readonly state: MemberState;
  readonly source: ChainSource;
  /** Where it is brought; a place on the source's chain. */
  readonly target: ChainPosition;
  readonly authority: Authority;
  readonly clusterId: string;
}

/** Resolves to how many records were set aside since they are not in the chain. @throws JournalError */
export async function bringUp(options: BringUpOptions): Promise<number> {
  const { member, state, source, target, authority, clusterId } = options;
  const shared = await sharedPosition({ member, state }, source, target);
  let at = shared ?? source.base;
  const isAnew = shared === undefined;
  if (isAnew || !isSame(at, state.head)) await member.truncate(authority, at, clusterId);
  const asideCount = isAnew ? 0 : Math.max(state.head.sequence - at.sequence, 0);
  while (at.sequence < target.sequence) {
    const read = await source.read(at.sequence + 1, CHUNK_BYTES);
    const records = read.slice(0, target.sequence - at.sequence);
    await member.append(authority, records);
    at = positionAfter(records) ?? at;
  }
  // Said once it is true: it has all that it held before, and more.
  if (isAnew || state.isIncomplete) await member.truncate(authority, at, clusterId);
  return asideCount;
}

/** The chain of `best`, read from all that have it or a part of it. */
export async function sourceOf(
  best: SurveyedMember,
  members: readonly SurveyedMember[],
): Promise<ChainSource> {
  const first = { member: best.member, base: best.state.base, head: best.state.head };
  const others = await Promise.all(
    members
      .filter(({ member }) => member !== best.member)
      .map(async ({ member, state }): Promise<readonly ChainHolder[]> => {
        try {
          const alone = new ChainSource([first]);
          const head = await sharedPosition({ member, state }, alone, first.head);
          return head === undefined ? [] : [{ member, base: state.base, head }];
        } catch (error) {
          // It is of no help then.
          if (error instanceof JournalError) return [];
          throw error;
        }
      }),
  );
  return new ChainSource([first, ...others.flat()]);
}

/** The last place that both chains share, not beyond the target; undefined when there is none. */
async function sharedPosition(
  { member, state }: SurveyedMember,
  source: ChainSource,
  target: ChainPosition,
): Promise<ChainPosition | undefined> {
  let low = Math.max(state.base.sequence, source.base.sequence);
  let high = Math.min(state.head.sequence, target.sequence);
  if (state.isBlank || high < low) return undefined;
  const agreesAt = async (sequence: number): Promise<ChainPosition | undefined> => {
    const own = await ownPosition(member, state, sequence);
    if (own === undefined) return undefined;
    if (sequence === target.sequence) return isSame(own, target) ? own : undefined;
    return (await source.digestAt(sequence)) === own.digest ? own : undefined;
  };
  const atHigh = await agreesAt(high);
  if (atHigh !== undefined) return atHigh;
  let shared = await agreesAt(low);
  // Chains that differ at one place differ ever after.
  while (shared !== undefined && high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = await agreesAt(middle);
    if (found === undefined) high = middle;
    else [low, shared] = [middle, found];
  }
  return shared;
}

/** Undefined: what stands there is not what was written. */
async function ownPosition(
  member: JournalMember,
  { base, head }: MemberState,
  sequence: number,
): Promise<ChainPosition | undefined> {
  if (sequence === head.sequence) return head;
  if (sequence === base.sequence) return base;
  try {
    return positionAfter((await member.read(sequence, 1)).slice(0, 1));
  } catch (error) {
    if (error instanceof JournalError && error.code === "Corrupt") return undefined;
    throw error;
  }
}

function positionAfter(records: readonly Uint8Array[]): ChainPosition | undefined {
  const last = records.at(-1);
  return last && positionOf(parseRecord(last));
}
