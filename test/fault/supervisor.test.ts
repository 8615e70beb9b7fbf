// The supervisor from outside: workers that die, hang or are stopped, and its own end. What a user starts goes on
// answering at the same address with the same process id.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, onTestFinished, test } from "vitest";
import {
  givenFolder,
  runProcess,
  startProcess,
  type KintsugiProcess,
} from "../support/kintsugi-process.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const KEYS = { accessKey: "operator", secretKey: "operator-secret-0123456789" };
const ENV = {
  KINTSUGI_ACCESS_KEY: KEYS.accessKey,
  KINTSUGI_SECRET_KEY: KEYS.secretKey,
  KINTSUGI_ADMIN_PORT: "0",
};
/** Past the ten seconds that a worker may be silent. */
const REPLACED_MS_MAX = 30_000;

async function givenServer(folder?: string) {
  const args = ["server", folder ?? (await givenFolder()), "--port", "0", "--json"];
  const server = startProcess(args, { env: ENV });
  const url = await server.ready();
  return { server, url, client: sdkClientOf(url, KEYS) };
}

/** The process that the server runs in. */
function workerOf({ pid }: KintsugiProcess): number {
  const [worker = "0"] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  return Number(worker);
}

/** Resolves once it runs no more, reaped or not. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("a worker that dies is followed by another, and requests wait for it instead of being refused", async () => {
  const { server, url, client } = await givenServer();
  await client.send(new CreateBucketCommand({ Bucket: "kept" }));
  await client.send(new PutObjectCommand({ Bucket: "kept", Key: "a", Body: "b" }));
  const first = workerOf(server);
  process.kill(first, "SIGKILL");
  await server.waitFor(/started anew: the last worker ended \(SIGKILL\)/);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "kept", Key: "a" }));
  expect(await Body?.transformToString()).toBe("b");
  expect(workerOf(server)).not.toBe(first);
  expect((await fetch(`${url}/_kintsugi/live`)).status).toBe(200);
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test("a connection that is made while no worker is there is served by the next one", async () => {
  const { server, url } = await givenServer();
  const worker = workerOf(server);
  process.kill(worker, "SIGKILL");
  await gone(worker);
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write("GET /_kintsugi/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

test("kill -9 of the supervisor ends the worker, and the next start is not refused", async () => {
  const folder = await givenFolder();
  const { server } = await givenServer(folder);
  const worker = workerOf(server);
  await server.stop("SIGKILL");
  await gone(worker);
  const again = await givenServer(folder);
  expect(await again.server.stop()).toMatchObject({ code: 0 });
});

test("a signal for the whole group stops the server once, in order", async () => {
  const { server } = await givenServer();
  process.kill(workerOf(server), "SIGTERM");
  const exit = await server.stop("SIGTERM");
  expect(exit).toMatchObject({ code: 0 });
  expect(exit.stderr.match(/"stopping: /g)).toHaveLength(1);
});

test("a worker that answers nobody for ten seconds is replaced", { timeout: 60_000 }, async () => {
  const { server, url } = await givenServer();
  const worker = workerOf(server);
  process.kill(worker, "SIGSTOP");
  const begin = performance.now();
  const answer = await fetch(`${url}/_kintsugi/live`);
  expect(answer.status).toBe(200);
  expect(performance.now() - begin).toBeLessThan(REPLACED_MS_MAX);
  await gone(worker);
  await server.waitFor(/started anew: the last worker was ended, for it did not answer"/);
});

test("a worker that will not start ends the supervisor with its exit code", async () => {
  const exit = await runProcess(["server", await givenFolder(), "--port", "x"]);
  expect(exit).toMatchObject({ code: 2 });
});

test.each([
  [["--supervisor", "off"], {}],
  [["--supervisor=off"], {}],
  [[], { KINTSUGI_SUPERVISOR: "off" }],
])("with %j and %j the server runs in the process that was started", async (flags, env) => {
  const args = ["server", await givenFolder(), "--port", "0", ...flags];
  const server = startProcess(args, { env: { ...ENV, ...env } });
  await server.ready();
  expect(workerOf(server)).toBe(0);
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test("a settings file is read too late to turn the supervisor off: usage error", async () => {
  const folder = await givenFolder();
  const file = join(folder, "settings.json");
  await writeFile(file, JSON.stringify({ supervisor: false }));
  const exit = await runProcess(["server", folder, "--port", "0", "--config", file]);
  expect(exit).toMatchObject({ code: 2 });
  expect(exit.stderr).toMatch(/read too late.*--supervisor off/);
});
