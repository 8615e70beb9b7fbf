// One of the processes that share a part of the laboratory: told what to do in its arguments, it sends what it found to
// its parent when it is done, and violations as they come.

import { isLabPart, LAB_PARTS } from "./lab-parts.ts";
import { Journal } from "./world.ts";

const [, , name = "", ...numbers] = process.argv;
const [seed = 1, minutes = 1, from = 1, stride = 1, hits = 0] = numbers.map(Number);

for (const signal of ["SIGINT", "SIGTERM", "disconnect"] as const)
  process.on(signal, () => process.exit(130));

if (!isLabPart(name)) throw new Error(`no part ${name}`);
const journal = new Journal((line) => void process.stdout.write(`${line}\n`));
const until = performance.now() + minutes * 60_000;
const shouldGoOn = (): boolean => performance.now() < until;
const shared = { seed, journal, from, stride, shouldGoOn };
await LAB_PARTS[name](hits > 0 ? { ...shared, hits } : shared);
process.send?.(journal.toPlain(), () => process.exit(0));
