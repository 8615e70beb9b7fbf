// Bit flips under the real server. In shard files: up to two shards of each set at a time, and every read must be exact.
// In the SQLite file: one flip, a restart, and everything is read; bytes may be refused, and must never be wrong.

import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, type SeededRandom } from "../../../src/util/seeded-random.ts";
import { bytesOfPiece, md5, type Piece } from "../contents.ts";
import type { LoopOptions, Started } from "../crash-loop.ts";
import { startServer } from "../crash-loop.ts";
import { LabClient, type LabAnswer } from "../lab-client.ts";
import { LAB_KEYS, LabServer } from "../lab-server.ts";
import type { Journal } from "../world.ts";
import { flipBit, pickBit, shardsBySet, type Flip } from "./flip-bits.ts";

const BUCKET = "/flips";
const KIB = 1024;
const SIZES = [0, 1, 900, 4 * KIB, 16 * KIB, 16 * KIB + 1, 64 * KIB, 256 * KIB + 1, 1024 * KIB + 3];
const OBJECTS = 45;
const PARITY = 2;
/** Rounds over the shards before the metadata has its turn. */
const SHARD_ROUNDS = 12;
const METADATA_TRIALS = 25;
const METADATA = "drive-1/metadata/metadata.db";

interface FlipObject {
  readonly path: string;
  readonly piece: Piece;
  readonly etag: string;
}

interface FlipLab {
  readonly data: string;
  readonly objects: readonly FlipObject[];
  readonly journal: Journal;
  readonly random: SeededRandom;
}

export async function runFlips({ seed, journal, shouldGoOn }: LoopOptions): Promise<void> {
  const random = seededRandom(seed);
  while (shouldGoOn()) {
    const base = await mkdtemp(join(tmpdir(), "kintsugi-flips-"));
    try {
      const data = join(base, "data");
      const lab: FlipLab = { data, objects: makeObjects(random), journal, random };
      const server = await startServer(data, journal);
      if (server === undefined) return;
      await fill(server, lab);
      for (let round = 0; round < SHARD_ROUNDS && shouldGoOn(); round += 1) {
        await flipShards(server, lab);
      }
      await server.process.kill("SIGTERM");
      await flipMetadata(base, lab, shouldGoOn);
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  }
}

function makeObjects(random: SeededRandom): readonly FlipObject[] {
  return Array.from({ length: OBJECTS }, (_, index) => {
    const sizeBytes = SIZES[index % SIZES.length] ?? 0;
    const piece = { seed: random.below(2 ** 31), sizeBytes };
    return { path: `${BUCKET}/key-${index}`, piece, etag: md5(bytesOfPiece(piece)) };
  });
}

async function fill(server: Started, { journal, objects }: FlipLab): Promise<void> {
  const client = new LabClient(server.endpoint, LAB_KEYS);
  await client.send({ method: "PUT", path: BUCKET });
  for (const { path, piece } of objects) {
    const { status } = await client.send({ method: "PUT", path, body: bytesOfPiece(piece) });
    if (status === 200) journal.count("put");
    else journal.violation(`PUT answers ${status}`);
  }
  client.close();
}

/** Up to as many shards of each set as there is parity, a bit each; read; flipped back. */
async function flipShards(server: Started, lab: FlipLab): Promise<void> {
  const { data, journal, objects, random } = lab;
  journal.cycle += 1;
  const flips: Flip[] = [];
  for (const paths of (await shardsBySet(data)).values()) {
    const start = random.below(paths.length);
    const count = 1 + random.below(PARITY);
    for (let nth = 0; nth < count; nth += 1) {
      const path = paths[(start + nth * 2) % paths.length];
      const flip = path === undefined ? undefined : await pickBit(path, random);
      if (flip !== undefined) flips.push(flip);
    }
  }
  await Promise.all(flips.map(flipBit));
  journal.note("flips in shard files", flips.length);
  const client = new LabClient(server.endpoint, LAB_KEYS);
  for (const object of objects) {
    const words = judge(object, await client.send({ method: "GET", path: object.path }));
    journal.note(`shards: ${words}`);
    if (words !== "exact") journal.violation(`${object.path} with rotten shards: ${words}`);
    else journal.count("get");
    await readRange(client, lab, object);
  }
  client.close();
  await Promise.all(flips.map(flipBit));
}

async function readRange(
  client: LabClient,
  lab: FlipLab,
  { path, piece }: FlipObject,
): Promise<void> {
  if (piece.sizeBytes === 0) return;
  const start = lab.random.below(piece.sizeBytes);
  const end = start + lab.random.below(piece.sizeBytes - start);
  const answer = await client.send({
    method: "GET",
    path,
    headers: { range: `bytes=${start}-${end}` },
  });
  lab.journal.count("range");
  const isExact =
    answer.status === 206 && answer.body.equals(bytesOfPiece(piece).subarray(start, end + 1));
  if (!isExact) lab.journal.violation(`${path} bytes ${start}-${end}: ${answer.status}`);
}

type Outcome = "exact" | "not found" | "refused" | "wrong bytes" | "wrong metadata";

function judge({ etag, piece }: FlipObject, { status, headers, body }: LabAnswer): Outcome {
  if (status === 404) return "not found";
  if (status !== 200) return "refused";
  if (!body.equals(bytesOfPiece(piece))) return "wrong bytes";
  return headers["etag"] === `"${etag}"` ? "exact" : "wrong metadata";
}

/** One flip at a time in a copy of the SQLite file, then a start. */
async function flipMetadata(base: string, lab: FlipLab, shouldGoOn: () => boolean): Promise<void> {
  const { data, journal, random } = lab;
  const good = join(base, "good");
  const folder = join(data, "drive-1/metadata");
  await cp(folder, good, { recursive: true });
  for (let trial = 0; trial < METADATA_TRIALS && shouldGoOn(); trial += 1) {
    journal.cycle += 1;
    await rm(folder, { recursive: true });
    await cp(good, folder, { recursive: true });
    const flip = await pickBit(join(data, METADATA), random);
    if (flip === undefined) {
      journal.violation(`${METADATA} is empty`);
      return;
    }
    await flipBit(flip);
    journal.note("flips in SQLite");
    await readAfterFlip(lab, flip);
  }
  journal.note("bytes of SQLite", (await stat(join(good, "metadata.db"))).size);
}

async function readAfterFlip({ data, journal, objects }: FlipLab, flip: Flip): Promise<void> {
  const server = new LabServer({ folder: data });
  const endpoint = await server.ready();
  if (endpoint === undefined) {
    journal.note("SQLite: the start is refused");
    return;
  }
  const client = new LabClient(endpoint, LAB_KEYS);
  const worst = new Set<Outcome>();
  for (const object of objects) {
    const answer = await client.send({ method: "GET", path: object.path }).catch(() => undefined);
    const outcome = answer === undefined ? "refused" : judge(object, answer);
    worst.add(outcome);
    if (outcome !== "wrong bytes") continue;
    journal.violation(`${object.path} after a flip at ${flip.offset}.${flip.bit}: wrong bytes`);
  }
  const page = await client
    .send({ method: "GET", path: BUCKET, query: "list-type=2" })
    .catch(() => undefined);
  const listed = page?.body.toString().match(/<Contents>/g)?.length ?? 0;
  if (listed !== objects.length) journal.note("SQLite: LIST differs");
  worst.delete("exact");
  if (worst.size === 0) journal.note("SQLite: exact");
  for (const outcome of worst) journal.note(`SQLite: ${outcome}`);
  client.close();
  await server.kill();
}
