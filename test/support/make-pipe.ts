// A named pipe: opening one that nobody writes to hangs in the kernel as a call to a dead drive does.

import { execFileSync } from "node:child_process";

export function makePipe(path: string): void {
  execFileSync("sh", ["-c", 'mkfifo "$0"', path]);
}
