// The real server, in a process of its own, on a folder that outlives it: what the lab kills and starts anew.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** The laboratory runs in the repository, and in compiled form elsewhere than its sources lie. */
const MAIN = join(process.cwd(), "dist/main.js");
export const LAB_KEYS = { accessKey: "lab-access-key", secretKey: "lab-secret-key-0123456789" };
/** A start that takes longer has hung, in milliseconds. */
const START_MS_MAX = 60_000;
const OUTPUT_CHARS_MAX = 20_000;

/** How many processes serve, with a supervisor; 1: one alone, without. */
const WORKERS = Number(process.env["KINTSUGI_LAB_WORKERS"] ?? 1);
const HAS_SIDES = WORKERS > 1;

export interface LabServerOptions {
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class LabServer {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = "";
  #output = "";

  constructor({ folder, env = {} }: LabServerOptions) {
    this.#child = spawn(process.execPath, [MAIN, "server", folder, "--port", "0", "--json"], {
      // A group of their own: a crash ends all of them at once.
      detached: HAS_SIDES,
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        KINTSUGI_ACCESS_KEY: LAB_KEYS.accessKey,
        KINTSUGI_SECRET_KEY: LAB_KEYS.secretKey,
        KINTSUGI_ADMIN_PORT: "0",
        KINTSUGI_LOG_LEVEL: "warn",
        UV_USE_IO_URING: "0",
        // What the lab kills is the process that serves; test/fault/supervisor.test.ts is about the other one.
        ...(HAS_SIDES ? { KINTSUGI_WORKERS: String(WORKERS) } : { KINTSUGI_SUPERVISOR: "off" }),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const endWithLab = (): void => this.#killAll();
    process.once("exit", endWithLab);
    this.#closed = once(this.#child, "close").finally(() => process.off("exit", endWithLab));
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      if (this.#stdout.length < OUTPUT_CHARS_MAX) this.#stdout += chunk.toString();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    });
  }

  /** The end of what it said on standard error. */
  get output(): string {
    return this.#output;
  }

  /** Of the admin API; known once it is ready. */
  get adminEndpoint(): string {
    const found = /"adminEndpoint":"([^"]+)"/.exec(this.#stdout)?.[1];
    if (found === undefined) throw new Error("the server names no admin endpoint");
    return found;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Undefined while it runs, and when a signal ended it. */
  get exitCode(): number | undefined {
    return this.#child.exitCode ?? undefined;
  }

  get wasKilled(): boolean {
    return this.#child.signalCode === "SIGKILL";
  }

  /** Resolves to the endpoint, or to undefined when the process ends before it serves. */
  async ready(): Promise<string | undefined> {
    const deadline = AbortSignal.timeout(START_MS_MAX);
    for (;;) {
      const endpoint = /^ready (\S+)$/m.exec(this.#stdout)?.[1];
      if (endpoint !== undefined) return endpoint;
      if (this.hasEnded) return undefined;
      if (deadline.aborted) throw new Error(`the server did not start: ${this.#output}`);
      const { stdout } = this.#child;
      const moved = new AbortController();
      const events = [this.#closed];
      const { signal } = moved;
      if (stdout !== null) events.push(once(stdout, "data", { signal }).catch(() => undefined));
      await Promise.race([...events, once(deadline, "abort", { signal }).catch(() => undefined)]);
      moved.abort();
    }
  }

  /** Ends it as a crash does. Resolves when it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.hasEnded && signal === "SIGKILL") this.#killAll();
    else if (!this.hasEnded) this.#child.kill(signal);
    await this.#closed;
  }

  #killAll(): void {
    if (!HAS_SIDES || this.pid === 0) {
      this.#child.kill("SIGKILL");
      return;
    }
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // None of them is left.
    }
  }

  /** Resolves when the process has ended of itself. */
  async ended(): Promise<void> {
    await this.#closed;
  }
}
