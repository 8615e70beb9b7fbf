// How a change of the drives is doing, as plain data: what the admin API answers.

/**
 * "idle": no drives come or go. "publishing": workers learn of the new layout. "copying": shards are copied to their new
 * places. "settling": all is copied, and writes that began by the older layout are waited for. "checking": every set is
 * looked at once more.
 */
export type LayoutPhase = "checking" | "copying" | "idle" | "publishing" | "settling";

export interface LayoutStatus {
  readonly phase: LayoutPhase;
  /** Of the newest layout. */
  readonly version: number;
  /** In this pass over all sets. */
  readonly seenSets: number;
  /** About how many there are. */
  readonly totalSets: number;
  readonly movedShards: number;
  readonly writtenBytes: number;
  /** Bytes a second of late. */
  readonly rateBytes: number;
  /** Sets that could not be moved in this pass, and why the last of them could not. */
  readonly waitingSets: number;
  readonly problem: string | undefined;
}
