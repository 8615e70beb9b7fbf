// How much one transaction takes at a time, whoever sent it, and what a write holds until then.

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

/** A row's texts and numbers as objects, more or less; of a part or set that is named, two numbers. */
const ROW_BYTES = 512;
const NAME_BYTES = 64;

/** The memory that a write holds while it waits, more or less: what it names, and its inline bytes. */
export function heldBytesOf(request: WriteRequest): number {
  const isOfNames = request.name === "completeUpload" || request.name === "dropTrash";
  const named = rowsOf(request) * (isOfNames ? NAME_BYTES : ROW_BYTES);
  return ROW_BYTES + named + inlineBytesOf(request);
}

function inlineBytesOf({ name, input }: WriteRequest): number {
  if (name !== "putObject" && name !== "putPart") return 0;
  const { content } = input as WriteRequest<"putObject" | "putPart">["input"];
  return content.kind === "inline" ? content.bytes.length : 0;
}
