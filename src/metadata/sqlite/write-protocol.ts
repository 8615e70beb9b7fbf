// What travels between those who write and the one writer: groups of writes one way, their answers the other. Plain
// data, safe for structured clone, whether the way is a thread's port or another process.

import type { DriveId } from "../../core/ids.ts";
import type { MemberSpec } from "../members/member-spec.ts";
import type { JournalReport } from "../metadata-store.ts";
import { S3Error } from "../../core/s3-error.ts";
import { refusalOf, type Refusal } from "../refusal.ts";
import type { WriteRequest } from "../write-operations.ts";

export interface WriteGroup {
  readonly kind: "group";
  /** Wall time in milliseconds since 1970: what the group puts into the trash is dated with it. */
  readonly nowMs: number;
  readonly requests: readonly WriteRequest[];
}

export interface MembersChange {
  /** All drives that may be members, in the order of their slots. */
  readonly drives: readonly DriveId[];
  /** Those that are there. */
  readonly specs: readonly MemberSpec[];
  /** How many drives may be lost from now on: m. */
  readonly toleratedCount: number;
}

export type ToWriter =
  | WriteGroup
  /** A member that was not there at the start. */
  | { readonly kind: "add-member"; readonly spec: MemberSpec }
  /** Members are chosen among other drives from now on; answered by "members-changed". */
  | ({ readonly kind: "change-members"; readonly id: number } & MembersChange)
  /** Sets the database aside and makes it anew from the members; answered by "restored". */
  | { readonly kind: "restore"; readonly id: number }
  | { readonly kind: "close" };

export type WriteAnswer =
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "failed"; readonly fault: Fault };

/** Why the database could not do it. */
export interface Fault {
  readonly message: string;
  /** Whether it is for want of room. */
  readonly isFull: boolean;
  /** Whether it is for want of members, and worth another try. */
  readonly isAway?: boolean;
}

/** The reply to a group. Exactly one comes to each. */
export type GroupReply =
  /** One answer a request, in the order asked; and how many others of the same transaction somebody else got. */
  | {
      readonly kind: "answers";
      readonly answers: readonly WriteAnswer[];
      readonly othersCount?: number;
    }
  /** Nothing of the group is known to be durable. */
  | { readonly kind: "group-failed"; readonly fault: Fault };

export type FromWriter =
  | GroupReply
  /** The database is there, and can be read. */
  | {
      readonly kind: "ready";
      readonly clusterId: string | undefined;
      readonly remarks: readonly string[];
    }
  /** The database could not be opened; the writer ends. */
  | { readonly kind: "unusable"; readonly message: string; readonly isRefusal: boolean }
  /** What the writer has to say beside its answers. */
  | WriterNews;

/** The answer to what was asked of the writer under that id. */
export type WriterOutcome = Outcome<"members-changed"> | Outcome<"restored">;

interface Outcome<Kind extends string> {
  /** Who the members are has changed, or the database was made anew. */
  readonly kind: Kind;
  readonly id: number;
  /** Why it could not be. */
  readonly problem: string | undefined;
}

export type WriterNews =
  | { readonly kind: "log"; readonly level: "info" | "warn"; readonly message: string }
  | { readonly kind: "report"; readonly report: JournalReport }
  | WriterOutcome
  /** The database file is another one now: readers open it anew. */
  | { readonly kind: "replaced" }
  /** Another process has taken the members over: this one must not go on. */
  | { readonly kind: "fenced"; readonly message: string };

/** What the writer tells other processes of the same server. */
export type SideNews =
  /** The database is there, and can be read; it may be another one than before. */
  | { readonly kind: "ready" }
  | Extract<WriterNews, { readonly kind: "fenced" | "replaced" | "report" }>;

export function answerOf(error: unknown): WriteAnswer {
  if (error instanceof S3Error) {
    return { kind: "refused", refusal: refusalOf(error) };
  }
  return { kind: "failed", fault: faultOf(error) };
}

export function faultOf(error: unknown): Fault {
  const isFull = error instanceof Error && "code" in error && error.code === "SQLITE_FULL";
  return { message: messageOf(error), isFull };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
