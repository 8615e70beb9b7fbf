// F70: very many clients that take nothing of their answer, or send a byte now and then of what they announced. They cost
// no more than their buffers; everybody else is served; and when they are gone nothing is left of what they sent.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { atEnd } from "../../support/at-end.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { signV4, wireBytes } from "../../support/signing.ts";
import { until, within } from "../../support/until.ts";
import { requireClean, requireNoOrphans } from "../lab-admin.ts";
import { LAB_KEYS } from "../lab-server.ts";
import type { Trial } from "./fault-trial.ts";
import { BUCKET, startTrialServer } from "./trial-server.ts";

const MIB = 1024 * 1024;
const CLIENTS_MIN = 400;
const CLIENTS_MORE = 800;
const LARGE_BYTES = 16 * MIB;
/** Half a megabyte for each, and what a server takes. */
const RSS_MIB_MAX = 1_000;
const OTHERS = 40;
/** Of one request of another client: what holds the memory is cut off after a minute. */
const LIMIT_MS = 100_000;

interface Idle {
  readonly sockets: readonly Socket[];
  readonly writers: readonly Socket[];
  /** Keys whose bytes never come. */
  readonly keys: readonly string[];
}

export async function keepIdleClients(trial: Trial): Promise<void> {
  const { random, journal } = trial;
  const folder = join(await givenFolder(), "data");
  const { server, endpoint, client } = await startTrialServer(folder);
  const large = Buffer.alloc(LARGE_BYTES, "large");
  const put = (key: string, body: Buffer) =>
    client.send({ method: "PUT", path: `/${BUCKET}/${key}`, body });
  assert.equal((await put("large", large)).status, 200);

  const idle = await connectIdle(endpoint, trial);
  const trickling = setInterval(() => {
    for (const socket of idle.writers) if (random.below(20) === 0) socket.write("x");
  }, 100);
  atEnd(() => clearInterval(trickling));
  for (let index = 0; index < OTHERS; index += 1) {
    const key = `other-${index}`;
    const body = Buffer.alloc(1 + random.below(2 * MIB), key);
    const beside = `beside ${idle.sockets.length} idle clients`;
    const isTaken = async (method: "GET" | "PUT"): Promise<boolean> => {
      const path = `/${BUCKET}/${key}`;
      const answer = await client.send({ method, path, ...(method === "PUT" ? { body } : {}) });
      if (answer.status === 200) {
        if (method === "GET") assert.ok(answer.body.equals(body), `${key} has other bytes`);
        return true;
      }
      // So many may be more than it takes at once: it says so, as SDKs understand, and takes the next try, or one after.
      const code = /<Code>(\w+)</.exec(String(answer.body))?.[1] ?? "";
      assert.match(code, /^(SlowDown|ServiceUnavailable)$/);
      journal.note(`${method} beside idle clients: ${code}`);
      return false;
    };
    await until(LIMIT_MS, `a PUT ${beside}`, () => isTaken("PUT"));
    await until(LIMIT_MS, `a GET ${beside}`, () => isTaken("GET"));
    journal.count("request beside idle clients");
  }
  const peakMib = await peakOf(server.pid);
  journal.note("MiB of memory at most, summed over trials of F70", peakMib);
  assert.ok(peakMib < RSS_MIB_MAX, `${idle.sockets.length} idle clients cost ${peakMib} MiB`);

  clearInterval(trickling);
  for (const socket of idle.sockets) socket.destroy();
  for (const key of idle.keys) {
    const { status } = await client.send({ method: "HEAD", path: `/${BUCKET}/${key}` });
    assert.equal(status, 404, `${key} was never sent`);
  }
  await requireClean({ process: server }, journal);
  await requireNoOrphans({ process: server }, journal);
  // None of them has anything.
  const setAside = server.output.split("a drive is set aside").length - 1;
  journal.note("drives set aside beside idle clients", setAside);
  assert.equal(server.hasEnded, false, server.output);
}

/** Readers that stop reading, and writers that send less than they said. */
async function connectIdle(endpoint: string, { random, journal }: Trial): Promise<Idle> {
  const sockets: Socket[] = [];
  const writers: Socket[] = [];
  const keys: string[] = [];
  const { host, hostname, port } = new URL(endpoint);
  const begin = (method: string, key: string, length: number): Promise<Socket> => {
    const path = `/${BUCKET}/${key}`;
    const headers = { host, ...(length > 0 ? { "content-length": String(length) } : {}) };
    const signed = signV4(LAB_KEYS, { method, path, headers, payload: "UNSIGNED-PAYLOAD" });
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    atEnd(() => socket.destroy());
    sockets.push(socket);
    return new Promise((resolve) => {
      socket.write(wireBytes(method, path, signed.headers, ""), () => resolve(socket));
    });
  };
  const count = CLIENTS_MIN + random.below(CLIENTS_MORE);
  const writerShare = random.below(101);
  const begun = Array.from({ length: count }, async (_, index) => {
    if (random.below(100) >= writerShare) {
      const reader = await begin("GET", "large", 0);
      reader.pause();
      return;
    }
    const key = `never-${index}`;
    keys.push(key);
    // Of what lies in the metadata, in a pack, and in a set of its own.
    const length = [10_000, 500_000, 5 * MIB][random.below(3)] ?? MIB;
    const writer = await begin("PUT", key, length);
    writers.push(writer);
    // So much less that the bytes that trickle do not make it whole.
    writer.write(Buffer.alloc(random.below(Math.min(length / 2, 200_000))));
  });
  await within(LIMIT_MS, "clients connect", Promise.all(begun));
  journal.note("idle readers", count - keys.length);
  journal.note("idle writers", keys.length);
  return { sockets, writers, keys };
}

/** The most memory that a process ever had, in MiB. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
}
