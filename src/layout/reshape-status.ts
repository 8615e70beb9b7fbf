// How cutting the sets anew is doing, as plain data: what the admin API answers.

/**
 * "idle": all sets are cut as new ones are. "waiting": for drives that come or go, or are away, or for what could not be done
 * to be tried again. "packs" and "objects": what is being cut anew. "looking": whether there is anything left.
 */
export type ReshapePhase = "idle" | "looking" | "objects" | "packs" | "waiting";

export interface ReshapeStatus {
  readonly phase: ReshapePhase;
  /** Packs, or objects and parts, that were looked at in this pass, and about how many there are. */
  readonly seenCount: number;
  readonly totalCount: number;
  /** Sets that were cut anew. */
  readonly rewrittenSets: number;
  /** Data that was written anew. */
  readonly writtenBytes: number;
  /** Bytes a second of late. */
  readonly rateBytes: number;
  /** Sets that the last pass left as they were. */
  readonly leftSets: number;
  /** Why the last of them could not be cut anew, or what all of it waits for. */
  readonly problem: string | undefined;
}
