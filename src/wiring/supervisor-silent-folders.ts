// Which of some folders do not answer: asked by a process of its own (supervisor-probe.ts), for whoever touches a folder
// on a disk that hangs may not come back.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programFile } from "../util/code-root.ts";

/** How long a folder has for all calls of a probe. A disk that spins up takes seconds. */
const PROBE_MS = 3_000;

/** Never rejects. Empty too when the probe itself cannot run, for then nothing is known. */
export function silentFolders(folders: readonly string[]): Promise<readonly string[]> {
  if (folders.length === 0) return Promise.resolve([]);
  const entry = fileURLToPath(programFile(import.meta.url, "wiring/supervisor-probe"));
  const child = spawn(process.execPath, [...process.execArgv, entry, ...folders], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, UV_THREADPOOL_SIZE: String(folders.length) },
  });
  return new Promise((resolve) => {
    let output = "";
    const finish = (): void => {
      clearTimeout(timer);
      // One that hangs may not end even so; nobody waits for it.
      child.kill("SIGKILL");
      child.unref();
      child.stdout.destroy();
      const [head, ...answers] = output.split("\n");
      const answered = new Set(answers);
      resolve(head === "started" ? folders.filter((_, index) => !answered.has(String(index))) : []);
    };
    const timer = setTimeout(finish, PROBE_MS);
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", finish);
    child.once("close", finish);
  });
}
