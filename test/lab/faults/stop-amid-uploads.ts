// F18: the server is told to stop amid many uploads. Those that go on are finished and acknowledged, the others are cut
// off; after the next start each is there whole, or not at all, as its client was told, and nothing is left over.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { atEnd } from "../../support/at-end.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { signV4, wireBytes } from "../../support/signing.ts";
import { until, within } from "../../support/until.ts";
import { requireNoOrphans } from "../lab-admin.ts";
import { LAB_KEYS } from "../lab-server.ts";
import type { Trial } from "./fault-trial.ts";
import { BUCKET, startTrialServer } from "./trial-server.ts";

const UPLOADS_MAX = 160;
const BODY_BYTES_MAX = 400_000;
const LIMIT_MS = 60_000;
const OK = "HTTP/1.1 200 OK";

interface Upload {
  readonly key: string;
  readonly socket: Socket;
  readonly body: Buffer;
  /** What it sends before the server is told to stop. */
  readonly sentBytes: number;
  readonly goesOn: boolean;
}

export async function stopAmidUploads({ random, journal }: Trial): Promise<void> {
  const folder = join(await givenFolder(), "data");
  // It says at that level that it stops.
  const env = { KINTSUGI_LOG_LEVEL: "info" };
  const { server, endpoint } = await startTrialServer(folder, { env });
  const goingShare = random.below(5);
  const uploads = await Promise.all(
    Array.from({ length: 20 + random.below(UPLOADS_MAX - 20) }, async (_, index) => {
      const key = `key-${index}`;
      const body = Buffer.alloc(2 + random.below(BODY_BYTES_MAX), `${index}.`);
      const sentBytes = random.below(body.length);
      const goesOn = random.below(4) < goingShare;
      return { key, body, sentBytes, goesOn, socket: await begin(endpoint, key, body.length) };
    }),
  );
  for (const { socket, body, sentBytes } of uploads) socket.write(body.subarray(0, sentBytes));
  const exit = server.kill("SIGTERM");
  await until(LIMIT_MS, "it says that it stops", () => /stopping: requests/.test(server.output));
  for (const { socket, body, sentBytes, goesOn } of uploads) {
    if (goesOn) socket.write(body.subarray(sentBytes));
  }
  const answers = uploads.map(({ socket }) => firstLineOf(socket));
  const lines = await within(LIMIT_MS, "all clients are answered or cut off", Promise.all(answers));
  await within(LIMIT_MS, "the server ends", exit);
  assert.equal(server.exitCode, 0, server.output);
  for (const [index, { goesOn, key }] of uploads.entries()) {
    assert.equal(lines[index] === OK, goesOn, `${key}: ${lines[index] ?? "cut off"}`);
    journal.note(goesOn ? "uploads finished at a stop" : "uploads cut off by a stop");
  }
  await check(folder, uploads, { random, journal });
}

async function check(folder: string, uploads: readonly Upload[], { journal }: Trial) {
  const { server, client } = await startTrialServer(folder);
  for (const { body, goesOn, key } of uploads) {
    const answer = await client.send({ method: "GET", path: `/${BUCKET}/${key}` });
    assert.equal(answer.status, goesOn ? 200 : 404, key);
    if (goesOn) assert.ok(answer.body.equals(body), key);
    journal.count("upload looked for after a stop");
  }
  await requireNoOrphans({ process: server }, journal);
}

/** A PUT whose headers were accepted, and whose body is waited for. */
async function begin(endpoint: string, key: string, length: number): Promise<Socket> {
  const { host, hostname, port } = new URL(endpoint);
  const path = `/${BUCKET}/${key}`;
  const headers = { host, "content-length": String(length), expect: "100-continue" };
  const signed = signV4(LAB_KEYS, { method: "PUT", path, headers, payload: "UNSIGNED-PAYLOAD" });
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  atEnd(() => socket.destroy());
  socket.write(wireBytes("PUT", path, signed.headers, ""));
  assert.equal(await firstLineOf(socket), "HTTP/1.1 100 Continue");
  return socket;
}

/** Undefined when the connection ended without. */
async function firstLineOf(socket: Socket): Promise<string | undefined> {
  if (socket.closed) return undefined;
  const [first] = (await Promise.race([once(socket, "data"), once(socket, "close")])) as [unknown];
  return Buffer.isBuffer(first) ? first.toString("latin1").split("\r\n")[0] : undefined;
}
