// Starts a Kintsugi server for a script in a process of its own, from the built code, and stops it again.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { processTree } from "./process-stats.ts";

export interface OwnServer {
  readonly endpoint: URL;
  readonly adminEndpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly pid: number;
  readonly folder: string;
  readonly stop: () => Promise<void>;
  /** Ends it as a crash does, its workers too. What it was given as a folder stays. */
  readonly kill: () => Promise<void>;
}

export interface OwnServerOptions {
  /** Kept when given; otherwise a temporary folder, on tmpfs where there is one, removed at the end. */
  readonly folder?: string | undefined;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** How long a start may take, in milliseconds. */
  readonly readyMsMax?: number;
}

const READY_MS_MAX = 30_000;

/** What a server that is started here takes, unless it is told others. */
export const OWN_KEYS = {
  KINTSUGI_ACCESS_KEY: "BENCHACCESSKEY",
  KINTSUGI_SECRET_KEY: "bench-secret-key-0123",
} as const;

export async function startOwnServer(options: OwnServerOptions = {}): Promise<OwnServer> {
  const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = options.folder ?? mkdtempSync(join(parent, "kintsugi-bench-"));
  const env = { ...OWN_KEYS, ...options.env };
  const started = await startKintsugi({
    args: [
      "server",
      folder,
      "--port",
      String(options.port ?? 0),
      "--admin-port",
      "0",
      "--json",
      ...(options.args ?? []),
    ],
    env,
    readyMsMax: options.readyMsMax,
  });
  return {
    ...started,
    accessKey: env.KINTSUGI_ACCESS_KEY,
    secretKey: env.KINTSUGI_SECRET_KEY,
    folder,
    stop: async () => {
      await started.stop();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface KintsugiOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly readyMsMax?: number | undefined;
}

export type StartedKintsugi = Pick<
  OwnServer,
  "adminEndpoint" | "endpoint" | "kill" | "pid" | "stop"
>;

/** The command, built from this tree, in any of its roles. Resolves when it serves. */
export async function startKintsugi(options: KintsugiOptions): Promise<StartedKintsugi> {
  const log = join(mkdtempSync(join(tmpdir(), "kintsugi-log-")), "server.log");
  const child = spawn(process.execPath, ["dist/main.js", ...options.args], {
    // Logged as by default, and kept out of the way.
    stdio: ["ignore", "pipe", openSync(log, "w")],
    env: { ...process.env, ...options.env },
  });
  const urls = await readyUrls(child, log, options.readyMsMax ?? READY_MS_MAX);
  const pid = child.pid ?? 0;
  return {
    endpoint: new URL(urls.endpoint),
    adminEndpoint: urls.adminEndpoint,
    pid,
    kill: async () => {
      const ended = once(child, "exit");
      // The supervisor first: it starts another worker for one that dies.
      for (const each of processTree(pid)) process.kill(each, "SIGKILL");
      await ended;
      rmSync(dirname(log), { recursive: true, force: true });
    },
    stop: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
      rmSync(dirname(log), { recursive: true, force: true });
    },
  };
}

interface ReadyUrls {
  readonly endpoint: string;
  readonly adminEndpoint: string;
}

async function readyUrls(child: ChildProcess, log: string, msMax: number): Promise<ReadyUrls> {
  if (!child.stdout) throw new Error("the server has no output");
  const timer = setTimeout(() => child.kill("SIGKILL"), msMax);
  let adminEndpoint = "";
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      adminEndpoint = /"adminEndpoint":"([^"]+)"/.exec(line)?.[1] ?? adminEndpoint;
      const endpoint = /^ready (http\S+)$/.exec(line)?.[1];
      if (endpoint !== undefined) {
        child.stdout.resume();
        return { endpoint, adminEndpoint };
      }
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`the server ended before it was ready:\n${readFileSync(log, "utf8")}`);
}
