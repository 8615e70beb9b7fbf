// Bit flips in the SQLite file under the real server: a few at a time, a start, and everything is read. Bytes may be
// refused, and must never be wrong; what a flip hides or damages a verification finds, and makes good from the members.

import { cp, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import { bytesOfPiece, md5, type Piece } from "../contents.ts";
import { startServer, type Started } from "../crash-loop.ts";
import type { AdminLine } from "../../../src/cli/admin-client.ts";
import { verify } from "../lab-admin.ts";
import { LabClient, type LabAnswer } from "../lab-client.ts";
import { LAB_KEYS, LabServer } from "../lab-server.ts";
import type { Journal } from "../world.ts";
import { flipDatabase, type FlippedFile } from "./database-flips.ts";
import { flipBit, pickBit, type Flip } from "./flip-bits.ts";
import type { ShardFlips } from "./shard-flips.ts";

const BUCKET = "/flips";
const KIB = 1024;
const SIZES = [0, 1, 900, 4 * KIB, 16 * KIB, 16 * KIB + 1, 40 * KIB, 64 * KIB];
const OBJECTS = 64;
const FLIPS_MAX = 8;
const METADATA = "metadata/metadata.db";
/** What a start changes on a drive, and a trial begins anew. */
const CHANGING = ["journal", "metadata"];

interface FlipObject {
  readonly path: string;
  readonly piece: Piece;
  readonly etag: string;
}

interface SqliteLab {
  readonly data: string;
  readonly good: string;
  readonly objects: readonly FlipObject[];
  readonly journal: Journal;
  readonly random: SeededRandom;
}

type Outcome = "exact" | "not found" | "refused" | "wrong bytes" | "wrong metadata";

/** Each has a few flips. */
export interface SqliteTrials {
  /** The real server is started on the flipped file, and makes it good. */
  readonly withServer: number;
  /** The store reads the flipped file, and it is compared: a hundred times as many in the same time. */
  readonly withStore: number;
}

/** So many of either, on the same objects. */
export async function flipSqlite(
  { seed, journal, shouldGoOn }: ShardFlips,
  { withServer, withStore }: SqliteTrials,
): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), "kintsugi-flips-"));
  try {
    const random = seededRandom(seed);
    const [data, good] = [join(base, "data"), join(base, "good")];
    const lab: SqliteLab = { data, good, objects: makeObjects(random), journal, random };
    const server = await startServer(data, journal);
    if (server === undefined) return;
    await fill(server, lab);
    await server.process.kill("SIGTERM");
    await keep(data, good);
    await flipDatabase(await fileOf(lab, base), { random, journal, shouldGoOn }, withStore);
    for (let trial = 0; trial < withServer && shouldGoOn(); trial += 1) await tryFlips(lab);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

async function fileOf({ data, good, objects }: SqliteLab, base: string): Promise<FlippedFile> {
  const drives = (await readdir(data)).filter((name) => name.startsWith("drive-"));
  const workFolder = join(base, "work");
  await mkdir(workFolder);
  return {
    folders: drives.map((name) => join(data, name)),
    goodPath: join(good, "drive-1", METADATA),
    workFolder,
    bucket: BUCKET.slice(1),
    objects: objects.map(({ path, piece, etag }) => {
      return { key: path.slice(BUCKET.length + 1), piece, etag };
    }),
  };
}

function makeObjects(random: SeededRandom): readonly FlipObject[] {
  return Array.from({ length: OBJECTS }, (_, index) => {
    const sizeBytes = SIZES[index % SIZES.length] ?? 0;
    const piece = { seed: random.below(2 ** 31), sizeBytes };
    return { path: `${BUCKET}/key-${index}`, piece, etag: md5(bytesOfPiece(piece)) };
  });
}

async function fill(server: Started, { journal, objects }: SqliteLab): Promise<void> {
  const client = new LabClient(server.endpoint, LAB_KEYS);
  await client.send({ method: "PUT", path: BUCKET });
  for (const { path, piece } of objects) {
    const { status } = await client.send({ method: "PUT", path, body: bytesOfPiece(piece) });
    if (status === 200) journal.count("put");
    else journal.violation(`PUT answers ${status}`);
  }
  client.close();
}

async function keep(data: string, good: string): Promise<void> {
  for (const drive of await readdir(data)) {
    await mkdir(join(good, drive), { recursive: true });
    for (const name of CHANGING) {
      await cp(join(data, drive, name), join(good, drive, name), { recursive: true }).catch(ignore);
    }
  }
}

async function putBack({ data, good }: SqliteLab): Promise<void> {
  for (const drive of await readdir(good)) {
    for (const name of CHANGING) {
      await rm(join(data, drive, name), { recursive: true, force: true });
      await cp(join(good, drive, name), join(data, drive, name), { recursive: true }).catch(ignore);
    }
  }
}

/** Not every drive has metadata. */
function ignore(): void {}

async function tryFlips(lab: SqliteLab): Promise<void> {
  const { data, journal, random } = lab;
  journal.cycle += 1;
  journal.note("SQLite trials with the server");
  await putBack(lab);
  const path = join(data, "drive-1", METADATA);
  journal.note("bytes of SQLite, summed over trials", (await stat(path)).size);
  const flips: Flip[] = [];
  for (let count = 1 + random.below(FLIPS_MAX); count > 0; count -= 1) {
    const flip = await pickBit(path, random);
    if (flip === undefined) continue;
    await flipBit(flip);
    flips.push(flip);
  }
  journal.note("flips in SQLite", flips.length);
  const where = flips.map(({ offset, bit }) => `${offset}.${bit}`).join(" ");
  const process = new LabServer({ folder: data });
  const endpoint = await process.ready();
  if (endpoint === undefined) {
    journal.note("SQLite: the start is refused");
    await rm(join(data, "drive-1/metadata"), { recursive: true });
    const second = await startServer(data, journal);
    if (second === undefined) return;
    const found = await readAll(lab, second, where);
    if (found.size > 0) journal.violation(`lost without SQLite: ${[...found].join()}`);
    await second.process.kill();
    return;
  }
  await judgeServer(lab, { process, endpoint }, where);
  await process.kill();
}

async function judgeServer(lab: SqliteLab, server: Started, where: string): Promise<void> {
  const { journal } = lab;
  const before = await readAll(lab, server, where);
  for (const outcome of before) journal.note(`SQLite: ${outcome}`);
  const findings: AdminLine[] = [];
  await verify(server, findings).catch((error: unknown) => {
    const told = findings.map((finding) => String(finding["problem"])).join("; ");
    journal.violation(`verify gives up after flips at ${where}: ${String(error)}; ${told}`);
  });
  journal.note(findings.length > 0 ? "SQLite: verify finds it" : "SQLite: verify finds nothing");
  if (before.size === 0) return;
  if (findings.length === 0) {
    journal.violation(`verify finds nothing after flips at ${where}: ${[...before].join()}`);
  }
  const after = await readAll(lab, server, where);
  if (after.size === 0) journal.count("made good after flips");
  else journal.violation(`not made good after flips at ${where}: ${[...after].join()}`);
}

/** What was not exact. */
async function readAll(
  { journal, objects }: SqliteLab,
  { endpoint }: Started,
  where: string,
): Promise<ReadonlySet<string>> {
  const client = new LabClient(endpoint, LAB_KEYS);
  const found = new Set<string>();
  for (const object of objects) {
    const answer = await client.send({ method: "GET", path: object.path }).catch(() => undefined);
    const outcome = answer === undefined ? "refused" : judge(object, answer);
    if (outcome !== "exact") found.add(outcome);
    if (outcome === "wrong bytes" || outcome === "wrong metadata") {
      journal.violation(`${object.path} after flips at ${where}: ${outcome}`);
    }
  }
  const page = await client
    .send({ method: "GET", path: BUCKET, query: "list-type=2" })
    .catch(() => undefined);
  const listed = page?.body.toString().match(/<Contents>/g)?.length ?? 0;
  if (listed !== objects.length) found.add("LIST differs");
  client.close();
  return found;
}

function judge({ etag, piece }: FlipObject, { status, headers, body }: LabAnswer): Outcome {
  if (status === 404) return "not found";
  if (status !== 200) return "refused";
  if (!body.equals(bytesOfPiece(piece))) return "wrong bytes";
  return headers["etag"] === `"${etag}"` ? "exact" : "wrong metadata";
}
