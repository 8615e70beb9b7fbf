// Runs a part of the laboratory in several processes and adds up what they found. They run compiled JavaScript: what
// translates TypeScript on the fly costs the model a tenth of its time.

import { execFile, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LabPart } from "./lab-parts.ts";
import type { Journal, PlainJournal } from "./world.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/**
 * Garbage is short-lived, so there is room for the young (in MiB); it is collected by the thread that makes it, as the
 * other cores have work of their own; and what is compiled stays so, though a sequence comes to it rarely.
 */
const V8_FLAGS = ["--max-semi-space-size=64", "--single-threaded-gc", "--no-flush-bytecode"];

export interface SharedRun {
  readonly part: LabPart;
  readonly workers: number;
  readonly seed: number;
  readonly minutes: number;
  readonly from: number;
  /** Of each named point; 0: as many as there is time for. */
  readonly hits: number;
  readonly journal: Journal;
}

/** A worker that dies is a violation. */
export async function runShared(shared: SharedRun): Promise<void> {
  const { journal, workers } = shared;
  const folder = await compile();
  try {
    const script = join(folder, "test/lab/lab-worker.js");
    const children = Array.from({ length: workers }, (_, nth) => start(script, shared, nth));
    const found = await Promise.all(children.map(resultOf));
    for (const plain of found) {
      if (plain === undefined) journal.violation("a process of the laboratory died");
      else journal.absorb(plain);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(script: string, shared: SharedRun, nth: number): ChildProcess {
  const { part, workers, seed, minutes, from, hits } = shared;
  // The model's sequences are dealt out, and so are named points and faults; all other parts draw from a seed of their own.
  const own = part === "model" || part === "faults" ? seed : seed + nth * 7_919;
  const numbers = [own, minutes, from + nth, workers, hits];
  const child = fork(script, [part, ...numbers.map(String)], {
    execArgv: V8_FLAGS,
    cwd: ROOT,
  });
  const endWithLab = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithLab);
  child.once("close", () => process.off("exit", endWithLab));
  return child;
}

async function resultOf(child: ChildProcess): Promise<PlainJournal | undefined> {
  let found: PlainJournal | undefined;
  child.on("message", (message) => (found = message as PlainJournal));
  await once(child, "close");
  return found;
}

/** A folder within the repository, so that packages are found; removed afterwards. */
async function compile(): Promise<string> {
  const caches = join(ROOT, "node_modules/.cache");
  await mkdir(caches, { recursive: true });
  const folder = await mkdtemp(join(caches, "kintsugi-lab-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');
  const options = {
    outDir: folder,
    rootDir: ROOT,
    module: "nodenext",
    target: "es2023",
    types: "node",
    rewriteRelativeImportExtensions: "true",
    skipLibCheck: "true",
    noCheck: "true",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const entry = fileURLToPath(new URL("./lab-worker.ts", import.meta.url));
  await run(process.execPath, [tsc, "--ignoreConfig", ...flags, entry], { cwd: ROOT });
  return folder;
}
