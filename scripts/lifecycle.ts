// `npm run lifecycle-run`: very many objects under ten lifecycle rules for three years, which pass as the server's clock is
// moved. Exactly what a brute-force calculation names must go, fast enough, and `kill -9` amid the work changes nothing.

import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { renderLifecycleConfiguration } from "../src/api/lifecycle/lifecycle-document.ts";
import { renderXml } from "../src/api/xml/render.ts";
import { seededRandom } from "../src/util/seeded-random.ts";
import { LabClient, type LabAnswer, type LabRequest } from "../test/lab/lab-client.ts";
import { applyLifecycle } from "../test/support/lifecycle-reference.ts";
import type { LifecycleAnswer } from "./support/lifecycle-server.ts";
import { drawCalls, makeWorld, type Call, type WorldBucket } from "./support/lifecycle-world.ts";
import { Musts } from "./support/musts.ts";

const USAGE = `npm run lifecycle-run -- [options]

  --objects N   (1000000) that are written in all      --kills N   (10) servers killed amid their work
  --steps N     (110) moves of the clock               --folder DIR (default: the folder for temporary files)
  --seed N`;

const DAY_MS = 86_400_000;
const DAYS = 3 * 365;
const RATE_MIN = 2_000;
const CONNECTIONS = 32;
/** All listings are compared after so many steps, and at the end. */
const COMPARE_EVERY = 10;
const KEYS = { accessKey: "LIFECYCLEKEY00000001", secretKey: "lifecycle-secret-of-one-run" };
const DIFFERENCES_SHOWN = 5;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    objects: text,
    kills: text,
    steps: text,
    folder: text,
    seed: text,
  },
});
const objects = Number(values.objects ?? 1_000_000);
const steps = Number(values.steps ?? 110);
const kills = Math.min(Number(values.kills ?? 10), steps);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

class Server {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #client: LabClient | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts it with its clock at that time; resolves when the rules have done their work. */
  async start(now: number): Promise<void> {
    const module = new URL("support/lifecycle-server.ts", import.meta.url);
    const child = fork(module, { execArgv: ["--import", "tsx"] });
    this.#child = child;
    child.send({ folder: this.#folder, ...KEYS, now });
    const { endpoint } = await this.#answer(child);
    this.#client?.close();
    this.#client = new LabClient(endpoint, KEYS, CONNECTIONS);
  }

  /** Resolves to the seconds that the rules took. */
  async moveTo(now: number): Promise<number> {
    const child = this.#child;
    if (child === undefined) throw new Error("the server was not started");
    child.send({ now });
    return (await this.#answer(child)).seconds;
  }

  /** Moves the clock, and kills the server amid what it does then. */
  async moveAndKill(now: number, afterMs: number): Promise<void> {
    this.#child?.send({ now });
    await sleep(afterMs);
    await this.stop();
    await this.start(now);
  }

  async send(request: LabRequest, ...statuses: readonly number[]): Promise<LabAnswer> {
    const answer = await this.#client?.send(request);
    if (answer !== undefined && statuses.includes(answer.status)) return answer;
    throw new Error(`${request.method} ${request.path}: ${answer?.status} ${String(answer?.body)}`);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async #answer(child: ChildProcess): Promise<LifecycleAnswer> {
    const ended = once(child, "exit").then(() => {
      throw new Error("the server has ended");
    });
    ended.catch(() => undefined);
    const [answer] = (await Promise.race([once(child, "message"), ended])) as [LifecycleAnswer];
    return answer;
  }
}

function digestOf(body: string): Readonly<Record<string, string>> {
  return { "content-md5": createHash("md5").update(body).digest("base64") };
}

async function makeBucket(server: Server, { name, rules, model }: WorldBucket): Promise<void> {
  const path = `/${name}`;
  await server.send({ method: "PUT", path }, 200);
  if (model.versioning === "enabled") {
    const body = renderXml("VersioningConfiguration", { Status: "Enabled" });
    await server.send({ method: "PUT", path, query: "versioning=", body }, 200);
  }
  const body = renderXml("LifecycleConfiguration", renderLifecycleConfiguration(rules));
  const headers = digestOf(body);
  await server.send({ method: "PUT", path, query: "lifecycle=", headers, body }, 200);
}

async function makeCall(
  server: Server,
  bucket: WorldBucket,
  call: Call,
  at: number,
): Promise<void> {
  const { model } = bucket;
  const { key } = call;
  const path = `/${bucket.name}/${key}`;
  if (call.kind === "delete") {
    await server.send({ method: "DELETE", path }, 204);
    model.deleteKey(key, at, "new");
    return;
  }
  if (call.kind === "upload") {
    const { body } = await server.send({ method: "POST", path, query: "uploads=" }, 200);
    const uploadId = /<UploadId>([^<]+)</.exec(String(body))?.[1] ?? "";
    model.uploads.push({ key, uploadId, initiatedAt: at });
    return;
  }
  if (call.kind !== "put") return;
  const { sizeBytes } = call;
  const tags = Object.entries(call.tags).map(([name, value]) => ({ key: name, value }));
  const tagging = tags.map((tag) => `${tag.key}=${tag.value}`).join("&");
  const headers = tagging === "" ? {} : { "x-amz-tagging": tagging };
  await server.send({ method: "PUT", path, headers, body: Buffer.alloc(sizeBytes, 1) }, 200);
  model.put(key, { versionId: "new", sizeBytes, tags, modifiedAt: at });
}

/** What there is, in the order of the listing; the model says it in the same words. */
async function listed(server: Server, name: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (let markers = ""; ;) {
    const query = `max-keys=1000&versions=${markers}`;
    const sorted = query.split("&").toSorted().join("&");
    const page = String(
      (await server.send({ method: "GET", path: `/${name}`, query: sorted }, 200)).body,
    );
    for (const [, kind = "", inside = ""] of page.matchAll(
      /<(Version|DeleteMarker)>(.*?)<\/\1>/gs,
    )) {
      lines.push(`${kind} ${elementOf(inside, "Key")} ${elementOf(inside, "Size")}`);
    }
    if (elementOf(page, "IsTruncated") !== "true") return lines;
    const [key, version] = [
      elementOf(page, "NextKeyMarker"),
      elementOf(page, "NextVersionIdMarker"),
    ];
    markers = `&key-marker=${encodeURIComponent(key)}&version-id-marker=${encodeURIComponent(version)}`;
  }
}

function elementOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)<`).exec(xml)?.[1] ?? "";
}

function modelLines({ model }: WorldBucket): readonly string[] {
  // Keys are ASCII: their order is that of the listing.
  const keys = [...model.keys.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  return keys.flatMap((key) =>
    model
      .versionsOf(key)
      .map(({ kind, sizeBytes }) =>
        kind === "object" ? `Version ${key} ${sizeBytes}` : `DeleteMarker ${key} `,
      ),
  );
}

/** Resolves to how many entries are not as they must be. */
async function compare(server: Server, bucket: WorldBucket): Promise<number> {
  const [is, must] = [await listed(server, bucket.name), modelLines(bucket)];
  const length = Math.max(is.length, must.length);
  const odd = Array.from({ length }, (_, i) => i).filter((i) => is[i] !== must[i]);
  for (const i of odd.slice(0, DIFFERENCES_SHOWN)) {
    console.log(`  ${bucket.name}: is ${is[i]}, must be ${must[i]}`);
  }
  const query = "max-uploads=1000&uploads=";
  const { body } = await server.send({ method: "GET", path: `/${bucket.name}`, query }, 200);
  const uploads = [...String(body).matchAll(/<UploadId>/g)].length;
  return odd.length + Math.abs(uploads - Math.min(bucket.model.uploads.length, 1_000));
}

async function inParallel(calls: readonly (() => Promise<void>)[]): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let call = calls[next++]; call !== undefined; call = calls[next++]) await call();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

async function run(server: Server): Promise<void> {
  const musts = new Musts();
  // Early in the morning, so that all that a step writes is of one day.
  const begin = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS + DAY_MS / 8;
  const timeOf = (step: number): number => begin + Math.round((DAYS * step) / steps) * DAY_MS;
  const world = makeWorld(Math.floor(timeOf(steps / 2) / DAY_MS) * DAY_MS);
  await server.start(begin);
  for (const bucket of world) await makeBucket(server, bucket);
  const killEvery = kills === 0 ? Number.POSITIVE_INFINITY : Math.floor(steps / kills);
  const perStep = Math.ceil(objects / steps / world.length);
  const total = { acted: 0, timed: 0, seconds: 0, odd: 0, written: 0 };
  for (let step = 0; step < steps; step += 1) {
    for (const bucket of world) {
      // Versions pile up where keys are few.
      const keys = bucket.name === "plain" ? objects : Math.ceil(objects / 20);
      const calls = drawCalls(random, bucket, { count: perStep, keys });
      await inParallel(calls.map((call) => () => makeCall(server, bucket, call, timeOf(step))));
      total.written += calls.filter(({ kind }) => kind === "put").length;
    }
    const now = timeOf(step + 1);
    const acted = world.reduce(
      (sum, { model, rules }) => sum + applyLifecycle(model, rules, now),
      0,
    );
    total.acted += acted;
    if (step % killEvery === killEvery - 1) await server.moveAndKill(now, 20 + random.below(400));
    else {
      total.seconds += await server.moveTo(now);
      total.timed += acted;
    }
    if (step % COMPARE_EVERY === COMPARE_EVERY - 1 || step === steps - 1) {
      for (const bucket of world) total.odd += await compare(server, bucket);
      const left = world.map((bucket) => modelLines(bucket).length).join(" and ");
      console.log(
        `  day ${Math.round((now - begin) / DAY_MS)}: ${total.written} written, rules acted ${total.acted} times, ${left} left`,
      );
    }
  }
  const rate = total.timed / total.seconds;
  musts.check({
    what: "entries that are not as calculated",
    figure: total.odd,
    limit: 0,
    isMost: true,
    digits: 0,
  });
  musts.check({
    what: "expirations a second",
    figure: rate,
    limit: RATE_MIN,
    isMost: false,
    digits: 0,
  });
  musts.end();
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`${objects} objects, seed ${seed}, ${new Date().toISOString()}`);
  const folder = mkdtempSync(join(values.folder ?? tmpdir(), "kintsugi-lifecycle-"));
  const server = new Server(folder);
  try {
    await run(server);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit();
}
