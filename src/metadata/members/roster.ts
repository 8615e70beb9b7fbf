// Who the members are: what the newest record of kind "open" or "roster" says. It is a JSON document, since it is read
// by every version: the drives that are members, how many of them may be lost, and what the state needs beside the
// records of changes: the schema that they were made for, and the statements that they name by number.

import type { DriveId } from "../../core/ids.ts";

export interface Roster {
  /** In the order of their drives' slots. */
  readonly members: readonly DriveId[];
  /** How many of them may be lost with nothing lost: m. */
  readonly toleratedCount: number;
  /**
   * Who they were before, until a quorum of those and of these is known to hold that they have changed: whoever starts
   * meanwhile needs enough of both.
   */
  readonly previous?: readonly Roster[] | undefined;
}

export interface Opening extends Roster {
  /** The version of the schema from here on. */
  readonly schemaVersion: number;
  /** Statements that changes name from here on, beside those of earlier openings. */
  readonly statements: readonly { readonly id: number; readonly text: string }[];
}

/** How many members hold each change for a cluster of so many drives, of which so many may be lost. */
function memberCount(driveCount: number, toleratedCount: number): number {
  return Math.min(driveCount, 2 * toleratedCount + 1);
}

/** So many must hold a change before it is acknowledged. */
export function writeQuorum({ toleratedCount }: Roster): number {
  return toleratedCount + 1;
}

/** So many must be there to know all that was acknowledged. */
export function readQuorum({ members, toleratedCount }: Roster): number {
  return members.length - toleratedCount;
}

/** The roster, and those before it that still have a say. */
export function rostersInForce(roster: Roster | undefined): readonly Roster[] {
  return roster === undefined ? [] : [roster, ...(roster.previous ?? [])];
}

export function isSameRoster(one: Roster, two: Roster): boolean {
  return one.toleratedCount === two.toleratedCount && one.members.join() === two.members.join();
}

export function renderRoster(roster: Opening | Roster): Uint8Array {
  return Buffer.from(JSON.stringify(roster), "utf8");
}

/** Of a record whose digest was checked: it is our own writing. */
export function parseRoster(payload: Uint8Array): Roster {
  return JSON.parse(Buffer.from(payload).toString("utf8")) as Roster;
}

export function parseOpening(payload: Uint8Array): Opening {
  return JSON.parse(Buffer.from(payload).toString("utf8")) as Opening;
}

/**
 * The members from now on. Those that still belong to the cluster stay; places that are free, since the cluster has
 * grown or a drive has been taken out of it, go to drives that are there.
 */
export function nextRoster(
  standing: Roster | undefined,
  drives: readonly DriveId[],
  present: ReadonlySet<DriveId>,
  toleratedCount: number,
): Roster {
  const count = memberCount(drives.length, toleratedCount);
  const stay = drives.filter((driveId) => standing?.members.includes(driveId) === true);
  const others = drives.filter((driveId) => !stay.includes(driveId));
  const candidates = standing === undefined ? others : others.filter((id) => present.has(id));
  const chosen = new Set([...stay, ...candidates].slice(0, count));
  return { members: drives.filter((driveId) => chosen.has(driveId)), toleratedCount };
}
