// Other servers to measure beside ours: running ones, named by URL, and ones that are started from a command, so that
// they too lie on the folder that is measured, are restarted with ours, and their processes are known.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { Presigner } from "../presign.ts";
import { RawClient } from "../raw-client.ts";
import { type Keys, REGION, type Running, type Subject, targetOf } from "./subject.ts";

/** One entry of the file that `--peers` names. */
interface PeerEntry extends Keys {
  readonly name: string;
  readonly about?: string;
  /** `{port}` and `{folder}` stand for what is given to it. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that must be there before it starts, below its own. */
  readonly makeFolders?: readonly string[];
}

const READY_MS_MAX = 60_000;
const ASKED_EVERY_MS = 100;
const STOP_MS_MAX = 20_000;

/** @throws Error with words for the user. */
export function readPeers(file: string): readonly Subject[] {
  const entries: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(entries)) throw new Error(`${file}: a list of servers is expected`);
  return entries.map((entry: unknown) => commandPeer(checked(entry, file)));
}

function checked(value: unknown, file: string): PeerEntry {
  const entry = value as Partial<PeerEntry>;
  const isWhole =
    typeof entry.name === "string" &&
    typeof entry.accessKey === "string" &&
    typeof entry.secretKey === "string" &&
    Array.isArray(entry.command);
  if (!isWhole) throw new Error(`${file}: each needs name, command, accessKey and secretKey`);
  return entry as PeerEntry;
}

function commandPeer(entry: PeerEntry): Subject {
  const { name, about = "" } = entry;
  return { name, about, isStartedHere: true, start: (folder) => startPeer(entry, folder) };
}

export interface UrlPeer extends Keys {
  readonly name: string;
  readonly url: URL;
  readonly pid: number | undefined;
}

export function urlPeer({ name, url, pid, ...keys }: UrlPeer): Subject {
  const running = {
    target: targetOf(url, keys),
    pids: pid === undefined ? [] : [pid],
    stop: () => Promise.resolve(),
  };
  return { name, about: "", isStartedHere: false, start: () => Promise.resolve(running) };
}

async function startPeer(entry: PeerEntry, folder: string): Promise<Running> {
  for (const each of ["", ...(entry.makeFolders ?? [])]) {
    mkdirSync(join(folder, each), { recursive: true });
  }
  const port = await freePort();
  const [program = "", ...args] = entry.command.map((word) =>
    word.replaceAll("{port}", String(port)).replaceAll("{folder}", folder),
  );
  const child = spawn(program, args, {
    stdio: "ignore",
    env: { ...process.env, ...entry.env },
  });
  const failed = once(child, "error").then(([error]) => Promise.reject(error as Error));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    child.kill("SIGTERM");
    await once(child, "exit");
    clearTimeout(timer);
  };
  const { accessKey, secretKey } = entry;
  const target = { host: "127.0.0.1", port, region: REGION, accessKey, secretKey };
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  try {
    await Promise.race([untilReady(target, hasEnded), failed]);
  } catch (error) {
    if (child.pid !== undefined) await stop();
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`${entry.name}: ${words}`, { cause: error });
  }
  return { target, pids: child.pid === undefined ? [] : [child.pid], stop };
}

async function untilReady(target: Running["target"], hasEnded: () => boolean): Promise<void> {
  const path = new Presigner(target).sign({ method: "GET", path: "/" });
  let last = "";
  for (let waited = 0; waited < READY_MS_MAX; waited += ASKED_EVERY_MS) {
    if (hasEnded()) throw new Error(`it ended before it was ready; ${last}`);
    const client = new RawClient(target.host, target.port);
    try {
      const { status, body } = await client.send({ method: "GET", target: path, keepBody: true });
      if (status === 200) return;
      last = `${status} ${body.toString("utf8", 0, 200)}`;
    } catch (error) {
      last = String(error);
    } finally {
      client.close();
    }
    await sleep(ASKED_EVERY_MS);
  }
  throw new Error(`it was not ready within ${READY_MS_MAX / 1_000} s: ${last}`);
}
