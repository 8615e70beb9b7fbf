// The folder and the servers of a group of works: made, started, and gone afterwards, also when the run is broken off.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator } from "./generator.ts";
import type { Lab } from "./measure-work.ts";
import { processTree } from "./process-stats.ts";
import { Session, type Subject } from "./subjects/subject.ts";

export const memoryFolder = () => (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());

interface Open {
  readonly folder: string;
  readonly sessions: readonly Session[];
}

const open = new Set<Open>();

/** For signals: at once, and without asking anybody. */
function abandon(): void {
  for (const { folder, sessions } of open) {
    for (const pid of sessions.flatMap((session) => session.pids)) {
      for (const each of processTree(pid)) kill(each);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    abandon();
    process.exit(1);
  });
}

export interface WorkshopOptions {
  readonly parent: string;
  readonly subjects: readonly Subject[];
  readonly say: (line: string) => void;
}

/** Starts the servers in a new folder, does what `task` does with them, and leaves nothing behind. */
export async function inWorkshop(
  { parent, subjects, say }: WorkshopOptions,
  task: (lab: Lab, sessions: readonly Session[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(parent, "kintsugi-bench-"));
  const sessions = subjects.map((subject) => new Session(subject, join(folder, subject.name)));
  const generator = new Generator();
  const kept = { folder, sessions };
  open.add(kept);
  try {
    for (const session of sessions) await session.start();
    await task({ generator, folder, filled: new Set(), say }, sessions);
  } finally {
    generator.stop();
    for (const session of sessions) await session.end();
    rmSync(folder, { recursive: true, force: true });
    open.delete(kept);
  }
}
