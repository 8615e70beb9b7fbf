// A server of several workers, from outside: whichever of them a request comes to, the answer is the same; one that dies
// takes its connections with it and nothing else; nothing that was acknowledged is lost, whoever dies or stops.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { makeCertificate } from "../support/certificate.ts";
import { SteadyLoad } from "../support/hang/steady-load.ts";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { patterned } from "../support/s3-server.ts";
import { givenWorkers, isAlive, KEYS, type SeveralWorkers } from "../support/several-workers.ts";
import { until } from "../support/until.ts";

const LIMIT_MS = 60_000;
/** Changes limits of a process that runs; of util-linux. */
const LIMITER = "prlimit";
const LONG = { timeout: 240_000 };
const ENV = { KINTSUGI_ACCESS_KEY: KEYS.accessKey, KINTSUGI_SECRET_KEY: KEYS.secretKey };

async function textOf(client: S3Client, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key }));
  return (await Body?.transformToString()) ?? "";
}

/** A load of a client that tries again, with so many good requests behind it. */
async function givenLoad(lab: SeveralWorkers): Promise<SteadyLoad> {
  const load = new SteadyLoad({ client: lab.client(), bucket: "bucket", seed: 11, lanes: 4 });
  load.start();
  await goOn(load, "before");
  return load;
}

function goOn(load: SteadyLoad, phase: string, count = 40): Promise<void> {
  load.phase = phase;
  return until(LIMIT_MS, `${count} good requests ${phase}`, () => load.goodIn(phase) > count);
}

/** Processes of which the metadata does not know that they have ended. */
function openIncarnations(folder: string): number {
  const path = join(folder, "drive-1/metadata/metadata.db");
  const database = new Database(path, { readonly: true });
  try {
    const count = database.prepare("select count(*) from processes where ended_at is null").pluck();
    return Number(count.get());
  } finally {
    database.close();
  }
}

test("--workers 1 has no other worker, and no sockets for any", async () => {
  const lab = await givenWorkers({ workers: 1 });
  expect(lab.workers).toHaveLength(1);
  expect(lab.server.output).not.toContain("beside");
  expect((await lab.metrics()).get("kintsugi_processes")).toBe(1);
  expect(await readdir(lab.scratch)).toEqual([]);
  expect(await lab.server.stop()).toMatchObject({ code: 0 });
});

test("what one worker has acknowledged every other shows at once", LONG, async () => {
  const lab = await givenWorkers({ workers: 3 });
  const clients = await Promise.all([lab.lead, ...lab.sides].map((pid) => lab.clientAt(pid)));
  expect(clients).toHaveLength(3);
  for (let round = 0; round < 12; round += 1) {
    const [writer, reader] = [clients[round % 3], clients[(round + 1) % 3]];
    if (writer === undefined || reader === undefined) throw new Error("three clients");
    // Inline, packed, and a set of its own.
    const Body = `${round};`.repeat([20, 20_000, 600_000][round % 3] ?? 1);
    await writer.send(new PutObjectCommand({ Bucket: "bucket", Key: "same", Body }));
    expect(await textOf(reader, "same")).toBe(Body);
    const page = await reader.send(new ListObjectsV2Command({ Bucket: "bucket" }));
    expect(page.Contents?.map(({ Size }) => Size)).toEqual([Body.length]);
    await reader.send(new DeleteObjectCommand({ Bucket: "bucket", Key: "same" }));
    await expect(textOf(writer, "same")).rejects.toMatchObject({ name: "NoSuchKey" });
  }
  expect(await lab.server.stop()).toMatchObject({ code: 0 });
  expect(openIncarnations(lab.folder)).toBe(0);
});

test(
  "metrics and status are those of all workers, and do not go back when one dies",
  LONG,
  async () => {
    const lab = await givenWorkers();
    const clients = await Promise.all([lab.lead, ...lab.sides].map((pid) => lab.clientAt(pid)));
    for (const [index, client] of clients.entries()) {
      for (let count = 0; count <= index; count += 1) {
        await client.send(new PutObjectCommand({ Bucket: "bucket", Key: `${index}`, Body: "x" }));
      }
    }
    const puts = 'kintsugi_s3_requests_total{operation="PutObject",status="200"}';
    const before = await lab.metrics();
    expect(before.get(puts)).toBe(3);
    expect(before.get("kintsugi_processes")).toBe(2);
    const args = ["status", "--json", "--endpoint", lab.adminUrl];
    const { stdout } = await runProcess(args, { env: ENV });
    expect(JSON.parse(stdout)).toMatchObject({ processes: 2, isWell: true });
    const [side = 0] = lab.sides;
    process.kill(side, "SIGKILL");
    await until(LIMIT_MS, "another side", () => lab.sides.length === 1 && lab.sides[0] !== side);
    const after = await lab.metrics();
    expect(after.get(puts)).toBe(3);
    expect(after.get("process_cpu_seconds_total")).toBeGreaterThan(
      before.get("process_cpu_seconds_total") ?? Infinity,
    );
  },
);

test(
  "a side that is killed under load loses nothing that was acknowledged, and is followed by another",
  LONG,
  async () => {
    const lab = await givenWorkers({ workers: 3 });
    const load = await givenLoad(lab);
    const { lead } = lab;
    const [victim = 0] = lab.sides;
    process.kill(victim, "SIGKILL");
    await goOn(load, "killed");
    await lab.sidesReady(2);
    await goOn(load, "after");
    await load.stop();
    expect(lab.lead).toBe(lead);
    expect(lab.sides).not.toContain(victim);
    await load.verify();
    expect(load.wrong).toEqual([]);
    await until(LIMIT_MS, "the dead one's end is noted", () => openIncarnations(lab.folder) === 3);
    expect(await lab.server.stop()).toMatchObject({ code: 0 });
    expect(openIncarnations(lab.folder)).toBe(0);
  },
);

test(
  "when the lead is killed under load its sides end with it, and nothing that was acknowledged is lost",
  LONG,
  async () => {
    const lab = await givenWorkers();
    const load = await givenLoad(lab);
    const before = lab.workers;
    process.kill(lab.lead, "SIGKILL");
    await lab.server.waitFor(/started anew: the last worker ended \(SIGKILL\)/);
    expect(before.filter(isAlive)).toEqual([]);
    await lab.sidesReady(1);
    expect(await readdir(lab.scratch)).toHaveLength(1);
    await goOn(load, "after");
    await load.stop();
    await load.verify();
    expect(load.wrong).toEqual([]);
    expect(openIncarnations(lab.folder)).toBe(2);
  },
);

test(
  "a stop under load loses nothing that was acknowledged, and leaves no sockets behind",
  LONG,
  async () => {
    const lab = await givenWorkers({ workers: 3 });
    const load = await givenLoad(lab);
    expect(await readdir(lab.scratch)).toHaveLength(1);
    const { lead } = lab;
    load.phase = "stopped";
    expect(await lab.server.stop()).toMatchObject({ code: 0 });
    await load.stop();
    expect(isAlive(lead)).toBe(false);
    expect(await readdir(lab.scratch)).toEqual([]);
    expect(openIncarnations(lab.folder)).toBe(0);
    const again = await givenWorkers({ folder: lab.folder });
    await load.verify(again.client());
    expect(load.wrong).toEqual([]);
  },
);

test("kill -9 of the supervisor ends all workers", LONG, async () => {
  const lab = await givenWorkers({ workers: 3 });
  const { workers } = lab;
  await lab.server.stop("SIGKILL");
  await until(LIMIT_MS, "their end", () => workers.every((pid) => !isAlive(pid)));
  expect(await readdir(lab.scratch)).toEqual([]);
  const again = await givenWorkers({ folder: lab.folder });
  expect(await again.server.stop()).toMatchObject({ code: 0 });
});

test(
  "what is deleted through one worker stays for who reads it through another",
  LONG,
  async () => {
    // A minute of grace is less than a second.
    const lab = await givenWorkers({ env: { KINTSUGI_HASTE: "100" } });
    const [side = 0] = lab.sides;
    const [writer, reader] = [await lab.clientAt(lab.lead), await lab.clientAt(side)];
    const Body = patterned(24 * 1024 * 1024, 3);
    await writer.send(new PutObjectCommand({ Bucket: "bucket", Key: "large", Body }));
    const answer = await reader.send(new GetObjectCommand({ Bucket: "bucket", Key: "large" }));
    await writer.send(new DeleteObjectCommand({ Bucket: "bucket", Key: "large" }));
    // Many steps of the collector, each of which would have removed it.
    const steps = async () =>
      (await lab.metrics()).get('kintsugi_worker_steps_total{worker="trash"}');
    const begin = (await steps()) ?? 0;
    await until(LIMIT_MS, "steps", async () => ((await steps()) ?? 0) > begin + 60);
    expect((await lab.metrics()).get("kintsugi_trashed_sets")).toBe(1);
    expect((await lab.metrics()).get("kintsugi_problems")).toBe(0);
    const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    expect(sha256(bytes)).toBe(sha256(Body));
    const isEmpty = async () => (await lab.metrics()).get("kintsugi_trashed_sets") === 0;
    await until(LIMIT_MS, "the removal", isEmpty);
  },
);

test("metadata that is made anew is read anew by every worker", LONG, async () => {
  const lab = await givenWorkers();
  const [side = 0] = lab.sides;
  const [atLead, atSide] = [await lab.clientAt(lab.lead), await lab.clientAt(side)];
  await atLead.send(new PutObjectCommand({ Bucket: "bucket", Key: "kept", Body: "bytes" }));
  damage(lab.folder);
  await expect(textOf(atSide, "kept")).rejects.toMatchObject({ name: "NoSuchKey" });
  const exit = await runProcess(["verify", "--endpoint", lab.adminUrl], { env: ENV });
  expect(exit.stdout).toMatch(/made anew/);
  for (const client of [atLead, atSide]) expect(await textOf(client, "kept")).toBe("bytes");
  await atSide.send(new PutObjectCommand({ Bucket: "bucket", Key: "new", Body: "more" }));
  for (const client of [atLead, atSide]) expect(await textOf(client, "new")).toBe("more");
});

test(
  "verify, compaction and sweep find nothing amiss beside what other workers write",
  LONG,
  async () => {
    const lab = await givenWorkers({ workers: 3, env: { KINTSUGI_HASTE: "100" } });
    const load = await givenLoad(lab);
    for (const command of [["verify"], ["sweep"], ["compact", "--all"], ["verify"]]) {
      const exit = await runProcess([...command, "--endpoint", lab.adminUrl], { env: ENV });
      expect(exit, `${command.join(" ")}: ${exit.stdout}`).toMatchObject({ code: 0 });
    }
    await goOn(load, "after");
    await load.stop();
    expect([...load.failures]).toEqual([]);
    await load.verify();
    expect(load.wrong).toEqual([]);
  },
);

test("a master key that somebody confirms is every worker's at once", LONG, async () => {
  const lab = await givenWorkers();
  const [side = 0] = lab.sides;
  const [atLead, atSide] = [await lab.clientAt(lab.lead), await lab.clientAt(side)];
  const encrypted = { Bucket: "bucket", ServerSideEncryption: "AES256" } as const;
  const put = (client: S3Client, Key: string) =>
    client.send(new PutObjectCommand({ ...encrypted, Key, Body: Key }));
  await expect(put(atSide, "early")).rejects.toMatchObject({ name: "InvalidRequest" });
  const file = join(await givenFolder(), "key");
  const args = ["key", "export", file, "--endpoint", lab.adminUrl];
  expect(await runProcess(args, { env: ENV })).toMatchObject({ code: 0 });
  await put(atSide, "by-side");
  await put(atLead, "by-lead");
  expect(await textOf(atLead, "by-side")).toBe("by-side");
  expect(await textOf(atSide, "by-lead")).toBe("by-lead");
});

test("a crash point that a side passes ends the whole server", LONG, async () => {
  const lab = await givenWorkers({ env: { KINTSUGI_CRASH_AT: "set.durable:1" } });
  const [side = 0] = lab.sides;
  const client = await lab.clientAt(side);
  const Body = Buffer.alloc(2_000_000);
  const put = client.send(new PutObjectCommand({ Bucket: "bucket", Key: "never", Body }));
  await expect(put).rejects.toBeInstanceOf(Error);
  await lab.server.exited();
  expect(lab.server.child.signalCode).toBe("SIGKILL");
});

test("a side that answers nobody is replaced, and the others go on", LONG, async () => {
  const lab = await givenWorkers();
  const { lead } = lab;
  const [side = 0] = lab.sides;
  process.kill(side, "SIGSTOP");
  await until(LIMIT_MS, "its end", () => !isAlive(side));
  await lab.sidesReady(1);
  expect(lab.lead).toBe(lead);
  await lab.server.waitFor(/beside the first worker, number 1: it did not answer/);
});

test(
  "a side that has no file handle left loses no client: another worker has them",
  LONG,
  async ({ skip }) => {
    const lab = await givenWorkers();
    const [side = 0] = lab.sides;
    const open = readdirSync(`/proc/${side}/fd`).length;
    const limiting = ["--pid", String(side), `--nofile=${open}:`];
    if (spawnSync(LIMITER, limiting).status !== 0) skip("no prlimit");
    for (let round = 0; round < 3; round += 1) {
      const answers = Array.from({ length: 8 }, () => fetch(`${lab.url}/_kintsugi/live`));
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(8).fill(200));
    }
    expect(lab.sides).toEqual([side]);
    expect(lab.server.output).not.toContain("started anew");
  },
);

test(
  "a folder of sockets that somebody cleaned away is there again for the next side",
  LONG,
  async () => {
    const lab = await givenWorkers();
    const [side = 0] = lab.sides;
    await rm(join(lab.scratch, (await readdir(lab.scratch))[0] ?? "none"), { recursive: true });
    process.kill(side, "SIGKILL");
    await until(LIMIT_MS, "its end", () => !isAlive(side));
    await lab.sidesReady(1);
    const [next = 0] = lab.sides;
    const client = await lab.clientAt(next);
    await client.send(new PutObjectCommand({ Bucket: "bucket", Key: "later", Body: "bytes" }));
    expect(await textOf(lab.client(), "later")).toBe("bytes");
    expect(await lab.server.stop()).toMatchObject({ code: 0 });
    expect(await readdir(lab.scratch)).toEqual([]);
  },
);

test("connections with TLS are dealt as well", LONG, async () => {
  const { cert, key } = makeCertificate("localhost");
  const folder = await givenFolder();
  await Promise.all([writeFile(join(folder, "c"), cert), writeFile(join(folder, "k"), key)]);
  const tls = ["--tls-cert", join(folder, "c"), "--tls-key", join(folder, "k")];
  const args = ["server", join(folder, "data"), "--port", "0", "--workers", "2", ...tls];
  const server = startProcess(args, { env: { ...ENV, KINTSUGI_ADMIN_PORT: "none" } });
  const { port } = new URL(await server.ready());
  await server.waitFor(/a worker serves beside/);
  for (let count = 0; count < 4; count += 1) {
    expect(await liveOver(Number(port), cert)).toBe(200);
  }
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test("without a supervisor there can be no other workers: usage error", async () => {
  const args = ["server", await givenFolder(), "--port", "0", "--supervisor", "off"];
  const exit = await runProcess([...args, "--workers", "2"], { env: ENV });
  expect(exit).toMatchObject({ code: 2 });
  expect(exit.stderr).toMatch(/--workers needs the supervisor/);
});

test("where the supervisor cannot hold the socket there is one worker", LONG, async () => {
  const args = [
    "server",
    await givenFolder(),
    "--host",
    "localhost",
    "--port",
    "0",
    "--workers",
    "2",
  ];
  const server = startProcess(args, { env: { ...ENV, KINTSUGI_ADMIN_PORT: "none" } });
  await server.ready();
  expect(await server.stop()).toMatchObject({ code: 0 });
  expect(server.output).not.toContain("a worker serves beside");
});

/** What no writer of ours would do: a row is gone that the members have. */
function damage(folder: string): void {
  const database = new Database(join(folder, "drive-1/metadata/metadata.db"));
  database.prepare("delete from objects where key = 'kept'").run();
  database.close();
}

/** The status of a health check on a connection of its own. */
async function liveOver(port: number, ca: string): Promise<number | undefined> {
  const request = get({
    host: "127.0.0.1",
    servername: "localhost",
    port,
    ca,
    agent: false,
    path: "/_kintsugi/live",
  });
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
