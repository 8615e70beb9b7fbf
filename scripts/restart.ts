// `npm run restart`: how long a server with very many objects takes from `kill -9` to the first GET that is answered with
// the right bytes; and, without a limit, the same with the drive gone that holds SQLite.

import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer, type OwnServer } from "../bench/own-server.ts";
import { seededRandom } from "../src/util/seeded-random.ts";
import { folderUsage } from "./support/folder-usage.ts";
import { Musts } from "./support/musts.ts";
import { NumberedLoader } from "./support/numbered-loader.ts";

const USAGE = `npm run restart -- [options]

  --objects N       (1000000)     --size BYTES    of each (16)
  --connections N   (64)          --rounds N      (3)
  --folder DIR      the data goes to a folder of its own in it (default: the current one)
  --seed N`;

const BUCKET = "restart";
const LIMIT_SECONDS = 10;
const MIB = 1024 * 1024;
/** Beyond that it counts as not coming back. */
const START_MS_MAX = 10 * 60_000;

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    objects: text,
    size: text,
    connections: text,
    rounds: text,
    folder: text,
    seed: text,
  },
});

const objects = Number(values.objects ?? 1_000_000);
const rounds = Number(values.rounds ?? 3);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

/** Kills the server, does what `between` does, and starts it anew; the seconds count from the kill. */
async function restart(
  loader: NumberedLoader,
  server: OwnServer,
  between: () => void = () => undefined,
): Promise<{ readonly server: OwnServer; readonly seconds: number }> {
  const begin = performance.now();
  await server.kill();
  between();
  const { folder } = server;
  const started = await startOwnServer({ folder, readyMsMax: START_MS_MAX });
  await loader.run(started, "GET", [random.below(objects)]);
  return { server: started, seconds: (performance.now() - begin) / 1_000 };
}

function metadataDrive(folder: string): string {
  const name = readdirSync(folder).find((drive) =>
    existsSync(join(folder, drive, "metadata/metadata.db")),
  );
  if (name === undefined) throw new Error("no drive holds the metadata");
  return join(folder, name);
}

async function measure(loader: NumberedLoader, folder: string): Promise<void> {
  const musts = new Musts();
  let server = await startOwnServer({ folder });
  try {
    await loader.makeBucket(server);
    const filled = await loader.fill(server, objects);
    const { bytes } = folderUsage(folder);
    console.log(`filled in ${filled.toFixed(0)} s, ${(bytes / MIB).toFixed(0)} MiB on the drives`);
    for (let round = 1; round <= rounds; round += 1) {
      const { seconds, ...next } = await restart(loader, server);
      ({ server } = next);
      const what = `${round}: seconds from kill -9 to the first GET`;
      musts.check({ what, figure: seconds, limit: LIMIT_SECONDS, isMost: true });
    }
    // Last: the drive that is missing is laid out anew.
    const lost = metadataDrive(folder);
    const { seconds, ...next } = await restart(loader, server, () =>
      renameSync(lost, `${folder}-lost`),
    );
    ({ server } = next);
    console.log(`       the same without the drive that holds SQLite: ${seconds.toFixed(2)}`);
  } finally {
    await server.stop();
  }
  musts.end();
}

if (values.help === true) console.log(USAGE);
else {
  console.log(`${objects} objects, seed ${seed}, ${new Date().toISOString()}`);
  const folder = mkdtempSync(join(values.folder ?? ".", "kintsugi-restart-"));
  const loader = new NumberedLoader({
    bucket: BUCKET,
    sizeBytes: Number(values.size ?? 16),
    connections: Number(values.connections ?? 64),
    processes: 1,
  });
  try {
    await measure(loader, folder);
  } finally {
    loader.stop();
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${folder}-lost`, { recursive: true, force: true });
  }
}
