// A call of a drive that writes, with the store's deadline for it.

import { ShardError } from "../datanode/shard-store.ts";
import { withDeadline } from "../util/deadline.ts";
import type { Drive } from "./drive.ts";

export interface DriveCallOptions<Value> {
  readonly deadlineMs: number;
  /** Takes what comes too late. */
  readonly onLate?: ((value: Value) => void) | undefined;
}

/** @throws ShardError of the call; Unavailable when it missed the deadline, which is a short one on probation. */
export function callDrive<Value>(
  drive: Drive | undefined,
  work: Promise<Value>,
  { deadlineMs, onLate }: DriveCallOptions<Value>,
): Promise<Value> {
  return withDeadline(work, {
    timeoutMs: drive?.deadlineOf(deadlineMs) ?? deadlineMs,
    onLate,
    onTimeout: () => new ShardError("Unavailable", `${drive?.store.label} missed its deadline`),
  });
}

/** Whether a call that failed so may still read the chunks it was given: the kernel goes on behind a deadline. */
export function mayGoOn(error: unknown): boolean {
  return !(error instanceof ShardError) || error.code === "Unavailable";
}
