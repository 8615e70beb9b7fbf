// `npm run startup`: from starting the server on an existing folder to the first signed ListBuckets answer, median of
// ten; and its memory (Pss of the process tree) a minute after a start, idle. Without NODE_EXTRA_CA_CERTS, should this
// machine set it: Node reads all those certificates, twice 40 ms, before it runs a line of ours.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../bench/free-port.ts";
import { Presigner } from "../bench/presign.ts";
import { processStats } from "../bench/process-stats.ts";
import { RawClient } from "../bench/raw-client.ts";

const ROUNDS = 10;
const IDLE_MS = 60_000;
const environment = {
  ...process.env,
  NODE_EXTRA_CA_CERTS: undefined,
  KINTSUGI_LOG_LEVEL: "warn",
  KINTSUGI_ACCESS_KEY: "STARTUPACCESSKEY",
  KINTSUGI_SECRET_KEY: "startup-secret-key-0123",
};

async function start(folder: string) {
  const port = await freePort();
  const signer = new Presigner({
    host: "127.0.0.1",
    port,
    accessKey: environment.KINTSUGI_ACCESS_KEY,
    secretKey: environment.KINTSUGI_SECRET_KEY,
    region: "us-east-1",
  });
  const target = signer.sign({ method: "GET", path: "/" });
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    ["dist/main.js", "server", folder, "--port", String(port)],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env: environment,
    },
  );
  for (;;) {
    const client = new RawClient("127.0.0.1", port);
    try {
      const { status } = await client.send({ method: "GET", target });
      if (status !== 200) throw new Error(`ListBuckets answered ${status}`);
      return { child, elapsedMs: performance.now() - begin };
    } catch (error) {
      if (child.exitCode !== null || /answered/.test(String(error))) throw error;
      await sleep(2);
    } finally {
      client.close();
    }
  }
}

async function stop(child: Awaited<ReturnType<typeof start>>["child"]): Promise<void> {
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
}

const folder = mkdtempSync(join(tmpdir(), "kintsugi-startup-"));
try {
  await stop((await start(folder)).child); // The first start lays the drives out.
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { child, elapsedMs } = await start(folder);
    times.push(elapsedMs);
    await stop(child);
  }
  times.sort((left, right) => left - right);
  const median = ((times[ROUNDS / 2 - 1] ?? 0) + (times[ROUNDS / 2] ?? 0)) / 2;
  console.log(
    `start to first answer: median ${median.toFixed(0)} ms of ${ROUNDS}, worst ${times.at(-1)?.toFixed(0)} ms`,
  );
  const { child } = await start(folder);
  await sleep(IDLE_MS);
  console.log(`idle after a minute: ${processStats(child.pid ?? 0).pssMiB.toFixed(0)} MiB`);
  await stop(child);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
