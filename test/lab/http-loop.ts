// Random operations over HTTP, many at a time, against the model in the laboratory's memory: every answer is judged as it
// comes, every key's history as a whole, and from time to time everything is read, listed, verified and swept. No crashes:
// it is the number of operations that counts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../src/util/seeded-random.ts";
import type { LabContext } from "./calls.ts";
import { checkOn, noteLog, startServer, type LoopOptions } from "./crash-loop.ts";
import { compactAll, requireClean, requireNoOrphans } from "./lab-admin.ts";
import { LabClient } from "./lab-client.ts";
import { LAB_KEYS } from "./lab-server.ts";
import { runLoad } from "./load.ts";
import { changeVersioning, makeVersionedBucket } from "./version-load.ts";
import { World } from "./world.ts";

const SIZE_MAX = 70_000;
/** Answers between two checks of everything. */
const SLICE = 6_000;
const SLICES_PER_FOLDER = 8;

export async function runHttp({ journal, seed, shouldGoOn }: LoopOptions): Promise<void> {
  const random = seededRandom(seed);
  while (shouldGoOn()) {
    const base = await mkdtemp(join(tmpdir(), "kintsugi-http-"));
    try {
      const server = await startServer(join(base, "data"), journal);
      if (server === undefined) return;
      const bucket = "lab-bucket";
      const world = new World({ bucket, seed: random.below(2 ** 31), sizeMax: SIZE_MAX }, journal);
      const client = new LabClient(server.endpoint, LAB_KEYS);
      await client.send({ method: "PUT", path: `/${bucket}` });
      await makeVersionedBucket(client, world);
      for (let slice = 0; slice < SLICES_PER_FOLDER && shouldGoOn(); slice += 1) {
        journal.cycle += 1;
        await changeVersioning(client, world);
        const until = journal.acknowledgedCount + SLICE;
        const isOver = (): boolean => !shouldGoOn() || journal.acknowledgedCount >= until;
        const isDown = (): boolean => server.process.hasEnded;
        const context: LabContext = { world, client, journal, isDown };
        const load = runLoad(context, { seed: random.below(2 ** 31), shouldStop: isOver });
        await Promise.all([load, compactAll(server)]);
        await checkOn(server, world);
        await requireClean(server, journal);
      }
      await requireNoOrphans(server, journal);
      client.close();
      await server.process.kill("SIGTERM");
      noteLog(server, journal);
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  }
}
