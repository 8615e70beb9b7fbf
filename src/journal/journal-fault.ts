// From what a disk says to what the users of a member tell apart.

import { DiskError } from "../disk/disk.ts";
import { LimiterFullError } from "../util/limiter.ts";
import { JournalError } from "./journal-member.ts";

/** What is neither the disk's nor the journal's own is a bug, and stays what it is. */
export function journalErrorFrom(error: unknown, label: string): unknown {
  if (error instanceof DiskError) {
    const code = error.code === "ENOSPC" ? "Full" : "Unavailable";
    return new JournalError(code, `${label}: ${error.message}`, { cause: error });
  }
  if (error instanceof LimiterFullError) {
    return new JournalError("Unavailable", `${label}: too many calls wait`, { cause: error });
  }
  return error;
}
