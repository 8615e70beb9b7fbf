// The `kintsugi` command as a process of its own, built from this tree, for tests of what only a process shows: its
// output, exit codes, signals, and that it leaves its folders as it should. Ended with the test that started it.

import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./at-end.ts";

/** Tests and laboratory run in the repository; the latter in compiled form, elsewhere than its sources lie. */
const MAIN = join(process.cwd(), "dist/main.js");

/** What is tested of several workers says how many: each costs a start half a second of CPU. */
const ONE_WORKER = { KINTSUGI_WORKERS: "1" };

/** They end with whoever started them, however that ends. */
const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Without this the process ends with the test. */
  readonly onEnd?: (end: () => Promise<void>) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class KintsugiProcess {
  readonly child: ChildProcess;
  readonly #exit: Promise<Exit>;
  #stdout = "";
  #stderr = "";
  #onOutput: () => void = () => undefined;

  constructor(args: readonly string[], { env = {}, cwd }: ProcessOptions = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      cwd,
      // Nothing of the tester's own settings gets in.
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...ONE_WORKER, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.child);
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#onOutput();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#onOutput();
    });
    this.#exit = new Promise((resolve) => {
      this.child.once("close", (code) => {
        running.delete(this.child);
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr });
        this.#onOutput();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Everything it has printed so far. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** Resolves once the output has what is looked for. @throws when the process ends before. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the process ended without ${pattern}:\n${this.output}`);
      }
      await new Promise<void>((resolve) => (this.#onOutput = resolve));
    }
  }

  /** The URL of the line that says that it serves. */
  async ready(): Promise<string> {
    const [, url = ""] = await this.waitFor(/^ready (\S+)$/m);
    return url;
  }

  /** Signals the process and its workers, as one does who stops the whole server. */
  signalAll(signal: NodeJS.Signals): void {
    const workers = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8");
    for (const pid of [this.pid, ...workers.trim().split(/\s+/).filter(Boolean).map(Number)]) {
      process.kill(pid, signal);
    }
  }

  exited(): Promise<Exit> {
    return this.#exit;
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    // A process that was stopped by a signal takes no other one but these.
    if (signal === "SIGKILL" || signal === "SIGTERM") this.child.kill("SIGCONT");
    return this.exited();
  }
}

/** Starts the command; it is killed when the test is over. */
export function startProcess(
  args: readonly string[],
  options: ProcessOptions = {},
): KintsugiProcess {
  const started = new KintsugiProcess(args, options);
  const { onEnd = atEnd } = options;
  onEnd(async () => void (await started.stop("SIGKILL")));
  return started;
}

/** Runs the command to its end. */
export function runProcess(args: readonly string[], options: ProcessOptions = {}): Promise<Exit> {
  return startProcess(args, options).exited();
}

/** A folder that is removed when the test is over. */
export async function givenFolder(
  onEnd: (end: () => Promise<void>) => void = atEnd,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kintsugi-test-"));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
