// CPU time and memory of a server's whole process tree, from /proc (Linux). Memory is the sum of Pss: pages shared by
// several processes count once.

import { readdirSync, readFileSync } from "node:fs";

export interface ProcessStats {
  readonly cpuSeconds: number;
  readonly pssMiB: number;
}

const TICKS_PER_SECOND = 100;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // The process ended meanwhile.
  }
}

/** The fields of /proc/PID/stat after the command's name, which may hold spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** A process and all that descend from it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

export function processStats(root: number): ProcessStats {
  let ticks = 0;
  let kib = 0;
  for (const pid of processTree(root)) {
    const fields = statFields(pid);
    // utime and stime, and those of children that have ended.
    for (const index of [11, 12, 13, 14]) ticks += Number(fields?.[index] ?? 0);
    kib += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1] ?? 0);
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, pssMiB: kib / 1024 };
}
