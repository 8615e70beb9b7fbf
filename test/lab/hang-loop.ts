// Drives that hang: the real server, supervised, under a steady load; all file calls of one drive (in a third of the
// cycles that of the metadata) go unanswered for a minute. No request may take longer than 15 s, or 30 s where the
// metadata's drive hangs; nothing that was acknowledged may be lost, neither then nor after a restart that has the drive
// back. Prints how long requests took before, in the first seconds, while they went on without the drive, and after.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { seededRandom } from "../../src/util/seeded-random.ts";
import { prepareHang, type Hang } from "../support/hang/hang-library.ts";
import { SteadyLoad } from "../support/hang/steady-load.ts";
import type { LoopOptions } from "./crash-loop.ts";
import { LAB_KEYS, LabServer } from "./lab-server.ts";
import type { Journal } from "./world.ts";

const BUCKET = "lab-bucket";
const DRIVES = 6;
const CALM_MS = 20_000;
/** In which requests meet the drive and its deadline. */
const SURPRISE_MS = 15_000;
const GOING_ON_MS = 45_000;
const LONGEST_MS = 15_000;
const LONGEST_WITHOUT_METADATA_MS = 30_000;
const LANES = 4;
const PHASES = ["before", "surprised", "going on", "after"];

interface Cycle {
  readonly folder: string;
  readonly hang: Hang;
  readonly drive: number;
  readonly seed: number;
  readonly journal: Journal;
}

export async function runHangs({ seed, journal, shouldGoOn }: LoopOptions): Promise<void> {
  const random = seededRandom(seed);
  while (shouldGoOn()) {
    const scratch = await mkdtemp(join(tmpdir(), "kintsugi-lab-"));
    try {
      const folder = join(scratch, "data");
      await mkdir(folder);
      const drive = random.below(3) === 0 ? 1 : 2 + random.below(DRIVES - 1);
      const hang = await prepareHang(scratch, join(folder, `drive-${drive}`));
      if (hang === undefined) return journal.note("not run: no C compiler");
      await runCycle({ folder, hang, drive, seed: random.below(2 ** 31), journal });
      journal.cycle += 1;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}

async function runCycle(cycle: Cycle): Promise<void> {
  const { folder, hang, drive, journal } = cycle;
  const env = { KINTSUGI_SUPERVISOR: "on", KINTSUGI_BUCKETS: BUCKET, ...hang.env };
  const load = await served({ folder, env }, async (client) => loadAround(client, cycle));
  judge(load, cycle);
  // The drive is back, with what it knew before: old metadata, a journal that ends early.
  await served({ folder }, async (client) => load.verify(client));
  for (const words of load.wrong) journal.violation(`seed ${cycle.seed}: ${words}`);
  journal.note(drive === 1 ? "the metadata's drive hung" : "another drive hung");
  journal.note("requests", load.timings.length);
  for (const [failure, count] of load.failures) journal.note(`failed ${failure}`, count);
}

/** Starts the server for as long as the work takes, and stops it in order. */
async function served<Value>(
  options: ConstructorParameters<typeof LabServer>[0],
  work: (client: S3Client) => Promise<Value>,
): Promise<Value> {
  const server = new LabServer(options);
  try {
    const endpoint = await server.ready();
    if (endpoint === undefined) throw new Error(`the server did not start: ${server.output}`);
    const { accessKey, secretKey } = LAB_KEYS;
    const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
    const region = "us-east-1";
    const client = new S3Client({
      endpoint,
      region,
      credentials,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const result = await work(client);
    client.destroy();
    await server.kill("SIGTERM");
    return result;
  } finally {
    await server.kill();
  }
}

async function loadAround(client: S3Client, { hang, seed }: Cycle): Promise<SteadyLoad> {
  const load = new SteadyLoad({ client, bucket: BUCKET, seed, lanes: LANES });
  load.start();
  try {
    await sleep(CALM_MS);
    await hang.begin();
    load.phase = "surprised";
    await sleep(SURPRISE_MS);
    load.phase = "going on";
    await sleep(GOING_ON_MS);
    await hang.end();
    load.phase = "after";
    await sleep(CALM_MS);
  } finally {
    await hang.end();
    await load.stop();
  }
  await load.verify(client);
  return load;
}

function judge(load: SteadyLoad, { drive, seed, journal }: Cycle): void {
  const limitMs = drive === 1 ? LONGEST_WITHOUT_METADATA_MS : LONGEST_MS;
  if (load.longestMs > limitMs) {
    journal.violation(
      `seed ${seed}: drive ${drive} hung, and a request took ${Math.round(load.longestMs)} ms`,
    );
  }
  process.stdout.write(
    `drive ${drive} hung: ${PHASES.map((phase) => load.figures(phase)).join("; ")}\n`,
  );
}
