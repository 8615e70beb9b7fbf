// Where copies of each metadata change are kept: on some of the drives, the members. A change is durable once a quorum
// of them has it (DESIGN.md, "The commit path"). Implementations: a drive folder of this process; a drive of a data node
// over HTTP; faulty ones in tests. One contract suite (test/contract/journal-member.ts) runs on each.
//
// A member holds one chain of records (journal-record.ts): each names the digest of the one before, so that a chain can
// be continued only by who has seen its end. Records are kept from `base` on; what lies before is in snapshots.
// A member that has promised an epoch to an owner refuses every change by anyone else, until a higher epoch is promised.

import type { DriveId } from "../core/ids.ts";

/** A place in the chain: behind the record of that number. Sequence 0 is the beginning of all. */
export interface ChainPosition {
  readonly sequence: number;
  readonly epoch: number;
  /** SHA-256 in hex over everything up to and with that record; 64 zeros at sequence 0. */
  readonly digest: string;
}

/** Before the first record. */
export const CHAIN_START: ChainPosition = { sequence: 0, epoch: 0, digest: "0".repeat(64) };

/** Who may change a member: the one to whom its highest epoch is promised. */
export interface Authority {
  readonly epoch: number;
  /** Names the process (16 hex digits, random): two that choose the same epoch are told apart. */
  readonly owner: string;
}

/** A SQLite file that holds all changes up to a position. */
export interface SnapshotInfo extends ChainPosition {
  readonly sizeBytes: number;
  /** SHA-256 of the file, in hex. */
  readonly fileDigest: string;
}

export interface MemberState {
  /** The highest epoch that it has promised; undefined: none yet. */
  readonly promised: Authority | undefined;
  /** Its last intact record, or `base` when it has none after that. */
  readonly head: ChainPosition;
  /** What stands before the oldest record that it holds. */
  readonly base: ChainPosition;
  /** The newest whole one. */
  readonly snapshot: SnapshotInfo | undefined;
  /** Bytes of the records that it holds. */
  readonly recordBytes: number;
  /** Whether it has ever held anything: a blank drive counts for nothing. */
  readonly isBlank: boolean;
  /**
   * Whether it has lost records that it held, by rot or since it began anew, and has not got them back: it does not count
   * among those that know all that was acknowledged. A torn end, which it never said to hold, is no such loss.
   */
  readonly isIncomplete: boolean;
  /** The cluster that its chain belongs to; undefined while it is blank. */
  readonly clusterId: string | undefined;
  /** The payload of its newest intact record of kind "open" or "roster": who the members are. */
  readonly roster: Uint8Array | undefined;
  /** What was found odd (a torn tail, a file that is not ours), in sentences. */
  readonly remarks: readonly string[];
}

export type JournalErrorCode =
  /** A higher epoch, or another owner, has been promised. */
  | "Fenced"
  /** What was to be appended does not follow its head. */
  | "Gap"
  /** The drive or node is away, hangs or errs. The member must be inspected before it is used again. */
  | "Unavailable"
  | "Full"
  /** Its own bytes are not what was written, or a newer version wrote them. */
  | "Corrupt";

export class JournalError extends Error {
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "JournalError";
    this.code = code;
  }
}

/** Calls come one at a time, but for `read`, `readSnapshot` and `writeSnapshot`, which may run beside others. */
export interface JournalMember {
  readonly driveId: DriveId;
  /** For messages: a folder, or a node's address and slot. */
  readonly label: string;
  /** Looks at what is there; changes nothing. */
  inspect(): Promise<MemberState>;
  /**
   * Promises durably, once or again; resolves to what it holds from then on.
   * @throws JournalError Fenced when it has promised as much or more to another.
   */
  promise(authority: Authority): Promise<MemberState>;
  /**
   * Appends encoded records in order; durable when it resolves, and their memory is not looked at any more. After an
   * error it may be. @throws JournalError Fenced, Gap, Full, Unavailable
   */
  append(authority: Authority, records: readonly Uint8Array[]): Promise<void>;
  /**
   * Encoded records from `sequence` on: at least one, further ones up to about `bytesMax`; none when it has none from
   * there. @throws JournalError Gap when that record lies before `base`.
   */
  read(sequence: number, bytesMax: number): Promise<readonly Uint8Array[]>;
  /**
   * Takes away what comes after `position`, and keeps it under another name for whoever wants to look.
   * A position before its base, or not on its chain, takes away all: then it begins anew there, with a chain of `clusterId`,
   * and is incomplete until it has been brought up and is then truncated at its head.
   */
  truncate(authority: Authority, position: ChainPosition, clusterId: string): Promise<void>;
  /**
   * Forgets records up to that sequence, in whole files, and snapshots older than the newest one up to it. Resolves to what it
   * holds from then on, as far as it knows: nothing is read for that.
   */
  cut(authority: Authority, sequence: number): Promise<MemberState>;
  /** Stores a snapshot; durable when it resolves. @throws JournalError Corrupt when the bytes are not those of `info`. */
  writeSnapshot(
    authority: Authority,
    info: SnapshotInfo,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /** Ends with JournalError Corrupt when the bytes were not what was written. */
  readSnapshot(info: SnapshotInfo): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}
