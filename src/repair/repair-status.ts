// How repair is doing, as plain data: what the admin API answers.

import type { RenewedDriveStatus } from "./renewed-drives.ts";
import type { ScrubStatus } from "./scrub.ts";

export interface FailingSetStatus {
  readonly setId: string;
  readonly kind: string;
  readonly words: string;
  readonly triedCount: number;
  /** Until it is tried again. */
  readonly secondsLeft: number;
}

export interface RepairStatus {
  /** "waiting": what is left needs drives that are away, or fails. */
  readonly state: "idle" | "looking" | "repairing" | "waiting";
  /** Whether it goes as fast as it can. */
  readonly isUnthrottled: boolean;
  /** As of the last look, less what was done since. */
  readonly degraded: {
    readonly sets: number;
    /** Of what they lack, about. */
    readonly bytes: number;
    /** How many may still lose how many shards; below zero they cannot be read now. */
    readonly bySpare: readonly { readonly spareCount: number; readonly sets: number }[];
    /** Whether there are more than were counted. */
    readonly isMore: boolean;
  };
  /** Sets that wait for drives, or for their pack to be full. */
  readonly waitingSets: number;
  readonly failing: { readonly sets: number; readonly first: readonly FailingSetStatus[] };
  /** Since the start. */
  readonly done: {
    readonly sets: number;
    readonly rebuiltShards: number;
    readonly writtenBytes: number;
  };
  /** Bytes a second of late. */
  readonly rateBytes: number;
  /** Undefined while it is not known. */
  readonly secondsLeft: number | undefined;
  readonly renewedDrives: readonly RenewedDriveStatus[];
  readonly scrub: ScrubStatus;
}
