// What backups that were killed have left in their folder, where several machines may write: files whose names say which
// process was making them. Those of a process of this machine that is gone are removed, and others' once they are a day old.

import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const MAKING = /^\.(?<name>.+)\.by-(?<host>.+)-(?<pid>\d+)\.making$/;
const OTHERS_MS_MIN = 24 * 60 * 60 * 1000;

/** The name, in the same folder, of a file that this process is making. */
export function makingName(name: string): string {
  const host = hostname().replaceAll(/[^\w.-]/g, "_");
  return `.${name}.by-${host}-${process.pid}.making`;
}

/** A copy whose description was never put in place is nothing: it goes with the description. */
export async function removeLeftovers(folder: string, nowMs: number): Promise<void> {
  const names = await readdir(folder);
  const abandoned: string[] = [];
  for (const making of names) {
    if (MAKING.test(making) && (await isAbandoned(folder, making, nowMs))) abandoned.push(making);
  }
  for (const making of abandoned) {
    const described = nameOf(making);
    const isBeingMade = names.some(
      (name) => !abandoned.includes(name) && nameOf(name) === described,
    );
    if (described.endsWith(".json") && !names.includes(described) && !isBeingMade) {
      await rm(join(folder, described.replace(/json$/, "db")), { force: true });
    }
    await rm(join(folder, making), { force: true });
  }
}

function nameOf(making: string): string {
  return MAKING.exec(making)?.groups?.["name"] ?? "";
}

async function isAbandoned(folder: string, making: string, nowMs: number): Promise<boolean> {
  const { host, pid } = MAKING.exec(making)?.groups ?? {};
  if (makingName("x") === `.x.by-${host}-${process.pid}.making`) {
    return Number(pid) !== process.pid && isGone(Number(pid));
  }
  const { mtimeMs } = await stat(join(folder, making)).catch(() => ({ mtimeMs: nowMs }));
  return nowMs - mtimeMs > OTHERS_MS_MIN;
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
