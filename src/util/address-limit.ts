// Whether the system bounds the addresses of this process (`ulimit -v`). Engines reserve some ten GiB of them for each
// WebAssembly memory, however small; where there is a bound, what is beyond it is not refused but found by collecting all
// garbage, again and again, while nothing else goes on. https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html

import { readFileSync } from "node:fs";

const LIMITS = "/proc/self/limits";

let isLimited: boolean | undefined;

/** Looked up once. Where the system does not say, there is none. */
export function isAddressSpaceLimited(): boolean {
  isLimited ??= limitsAddresses(readLimits());
  return isLimited;
}

/** Of the text of the system's file. Exported for tests. */
export function limitsAddresses(limits: string): boolean {
  const soft = /^Max address space +(\S+)/m.exec(limits)?.[1];
  return soft !== undefined && soft !== "unlimited";
}

function readLimits(): string {
  try {
    return readFileSync(LIMITS, "latin1");
  } catch {
    return "";
  }
}
