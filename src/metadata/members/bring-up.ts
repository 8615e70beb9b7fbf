// Brings a member up to a place in the chain: finds the last record that it shares with a member that has the whole of
// it, sets aside what it has beyond, and appends what it lacks. One that lags behind the source's oldest record begins
// anew there: what lies before is in snapshots.

import type {
  Authority,
  ChainPosition,
  JournalMember,
  MemberState,
} from "../../journal/journal-member.ts";
import { parseRecord, type JournalRecord } from "../../journal/journal-record.ts";

/** Bytes of records that are carried over at a time. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A member that has the chain, and from where on. */
export interface ChainSource {
  readonly member: JournalMember;
  readonly base: ChainPosition;
}

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
  let at = await sharedPosition(member, state, source, target);
  const isOnChain = !state.isBlank && state.base.sequence <= at.sequence;
  if (!isOnChain || !isSame(at, state.head)) await member.truncate(authority, at, clusterId);
  const asideCount = isOnChain ? Math.max(state.head.sequence - at.sequence, 0) : 0;
  while (at.sequence < target.sequence) {
    const read = await source.member.read(at.sequence + 1, CHUNK_BYTES);
    const records = read.slice(0, target.sequence - at.sequence);
    const last = records.at(-1);
    if (last === undefined)
      throw new Error(`${source.member.label} has no record after ${at.sequence}`);
    await member.append(authority, records);
    at = positionOf(parseRecord(last));
  }
  return asideCount;
}

/** The last place that both chains share, not beyond the target; the source's base when there is none. */
async function sharedPosition(
  member: JournalMember,
  state: MemberState,
  source: ChainSource,
  target: ChainPosition,
): Promise<ChainPosition> {
  if (state.isBlank) return source.base;
  let low = Math.max(state.base.sequence, source.base.sequence);
  let high = Math.min(state.head.sequence, target.sequence);
  const agreesAt = async (sequence: number): Promise<ChainPosition | undefined> => {
    const theirs = await positionAt(source, target, sequence);
    const own = await positionAt({ member, base: state.base }, state.head, sequence);
    return isSame(theirs, own) ? theirs : undefined;
  };
  if (high < low) return source.base;
  const atHigh = await agreesAt(high);
  if (atHigh !== undefined) return atHigh;
  let shared = await agreesAt(low);
  if (shared === undefined) return source.base;
  // Chains that differ at one place differ ever after.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = await agreesAt(middle);
    if (found === undefined) high = middle;
    else [low, shared] = [middle, found];
  }
  return shared;
}

/** The place behind the record of that number, which the chain has or which is its base. */
async function positionAt(
  { member, base }: ChainSource,
  head: ChainPosition,
  sequence: number,
): Promise<ChainPosition> {
  if (sequence === base.sequence) return base;
  if (sequence === head.sequence) return head;
  const [record] = await member.read(sequence, 1);
  if (record === undefined) throw new Error(`${member.label} has no record ${sequence}`);
  return positionOf(parseRecord(record));
}

export function positionOf({ sequence, epoch, digest }: JournalRecord): ChainPosition {
  return { sequence, epoch, digest };
}

export function isSame(a: ChainPosition, b: ChainPosition): boolean {
  return a.sequence === b.sequence && a.digest === b.digest;
}
