// How much one transaction takes at a time, whoever sent it.

import type { WriteRequest } from "../write-operations.ts";

export const GROUP_SIZE_MAX = 256;
/** Rows that a group changes, more or less, unless a single write changes more: others wait for it, and members take it whole. */
export const GROUP_ROWS_MAX = 10_000;

/** How many rows a write changes, more or less. */
export function rowsOf({ name, input }: WriteRequest): number {
  if (name === "deleteObjects")
    return (input as WriteRequest<"deleteObjects">["input"]).requests.length;
  if (name === "dropTrash") return (input as WriteRequest<"dropTrash">["input"]).setIds.length;
  if (name !== "completeUpload") return 1;
  return (input as WriteRequest<"completeUpload">["input"]).parts.length;
}
