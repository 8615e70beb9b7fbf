// F49: an operator's hand in the folders of a server that was stopped: shards cut, changed, removed or given each other's
// names, foreign files, a journal taken away, a database from before. Whatever is started next serves everything that was
// acknowledged, takes nothing away of what it does not know, and refuses in words where it cannot.

import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";
import { atEnd } from "../../support/at-end.ts";
import { treeOf } from "../../support/folder-tree.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { checkOn, startServer, type Started } from "../crash-loop.ts";
import { FOCUSES, type FocusName } from "../focused-load.ts";
import { verify } from "../lab-admin.ts";
import { LabClient } from "../lab-client.ts";
import { LAB_KEYS, LabServer } from "../lab-server.ts";
import { runLoad } from "../load.ts";
import { World, type Journal } from "../world.ts";
import { oneOf, someBelow, type Trial } from "./fault-trial.ts";

const BUCKET = "lab-bucket";
const DRIVES = 6;
const SIZE_MAX = 2 * 1024 * 1024;
const CALLS = 300;
const FOREIGN = "holiday.jpg";

interface Edit {
  readonly name: string;
  readonly make: (drive: string, random: SeededRandom) => Promise<void>;
}

const EDITS: readonly [Edit, ...Edit[]] = [
  {
    name: "shards cut off",
    make: (drive, random) =>
      onShards(drive, random, async (path) =>
        truncate(path, random.below((await readFile(path)).length)),
      ),
  },
  {
    name: "shards changed",
    make: (drive, random) =>
      onShards(drive, random, async (path) => {
        const bytes = await readFile(path);
        bytes.fill("hand", random.below(bytes.length));
        await writeFile(path, bytes);
      }),
  },
  { name: "shards removed", make: (drive, random) => onShards(drive, random, (path) => rm(path)) },
  { name: "shards under each other's names", make: swapShards },
  { name: "all shards removed", make: (drive) => rm(join(drive, "shards"), { recursive: true }) },
  {
    name: "a journal taken away",
    make: (drive) => rm(join(drive, "journal"), { recursive: true }),
  },
  {
    name: "foreign files",
    make: async (drive) => {
      await writeFile(join(drive, FOREIGN), "x");
      await mkdir(join(drive, "shards", "ab"), { recursive: true });
      await writeFile(join(drive, "shards", "ab", FOREIGN), "x");
    },
  },
];

export async function meddle(trial: Trial): Promise<void> {
  const { random, journal } = trial;
  const base = await givenFolder();
  const folder = join(base, "data");
  const world = new World(
    { bucket: BUCKET, seed: random.below(2 ** 31), sizeMax: SIZE_MAX },
    journal,
  );
  const before = join(base, "before");
  await serve(folder, journal, async (server) => {
    const client = new LabClient(server.endpoint, LAB_KEYS);
    await client.send({ method: "PUT", path: `/${BUCKET}` });
    client.close();
    await load(server, world);
  });
  await cp(join(folder, "drive-1", "metadata"), before, { recursive: true });
  await serve(folder, journal, (server) => load(server, world));
  if (random.below(5) === 0) return requireRefusal(folder, trial);

  const hands = someBelow(random, DRIVES, 1 + random.below(2)).map((index) => ({
    drive: join(folder, `drive-${index + 1}`),
    edit: oneOf(random, EDITS),
  }));
  for (const { drive, edit } of hands) {
    await edit.make(drive, random);
    journal.note(`by hand: ${edit.name}`);
  }
  if (random.below(2) === 0) {
    await rm(join(folder, "drive-1", "metadata"), { recursive: true });
    await cp(before, join(folder, "drive-1", "metadata"), { recursive: true });
    journal.note("by hand: the database from before");
  }
  await serve(folder, journal, async (server) => {
    await checkOn(server, world);
    const findings = await verify(server);
    journal.note("findings after an operator's hand", findings.length);
    const isBare = hands.some(({ edit }) => edit.name === "all shards removed");
    assert.ok(!isBare || findings.length > 0, "verify misses what was removed");
    const lost = findings.filter(({ kind }) => kind === "unreadable" || kind === "damaged-bytes");
    assert.deepEqual(lost, []);
    await load(server, world);
    await checkOn(server, world);
  });
  for (const { drive, edit } of hands) {
    if (edit.name !== "foreign files") continue;
    assert.ok((await readdir(drive)).includes(FOREIGN), "what is not ours stays");
    assert.ok((await readdir(join(drive, "shards", "ab"))).includes(FOREIGN), "here too");
  }
}

/** More copies of the metadata are taken away than may be lost: it says so, and changes nothing. */
async function requireRefusal(folder: string, { random, journal }: Trial): Promise<void> {
  // Five of six are members; of these two may be lost.
  for (const index of someBelow(random, DRIVES, DRIVES - 2)) {
    await rm(join(folder, `drive-${index + 1}`, "journal"), { recursive: true, force: true });
  }
  const tree = await treeOf(folder);
  const server = new LabServer({ folder });
  atEnd(() => server.kill());
  assert.equal(await server.ready(), undefined, "it must not serve");
  await server.ended();
  assert.equal(server.exitCode, 1);
  assert.match(server.output, /copies of the metadata are there, and 3 are needed/);
  assert.deepEqual(await treeOf(folder), tree, "nothing is changed");
  journal.note("by hand: too many journals taken away, and refused");
}

async function serve(
  folder: string,
  journal: Journal,
  work: (server: Started) => Promise<void>,
): Promise<void> {
  // Without haste, so that what was deleted stays in the trash, and each edit meets shards that count.
  const server = await startServer(folder, journal, { KINTSUGI_HASTE: "1" });
  assert.ok(server !== undefined, "it serves");
  atEnd(() => server.process.kill());
  await work(server);
  await server.process.kill("SIGTERM");
}

async function load({ endpoint }: Started, world: World): Promise<void> {
  const { journal, random } = world;
  const client = new LabClient(endpoint, LAB_KEYS);
  const until = journal.acknowledgedCount + CALLS;
  await runLoad(
    { world, client, journal, isDown: () => false },
    {
      seed: random.below(2 ** 31),
      shouldStop: () => journal.acknowledgedCount >= until,
      // Most of it in shards.
      focus: FOCUSES[oneOf<FocusName>(random, ["packed", "large", "unpacked"])],
    },
  );
  client.close();
}

async function shardsOf(drive: string): Promise<readonly string[]> {
  const entries = await readdir(join(drive, "shards"), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.\d+$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}

/** A third of a drive's, one at least. */
async function onShards(
  drive: string,
  random: SeededRandom,
  work: (path: string) => Promise<void>,
): Promise<void> {
  const shards = await shardsOf(drive);
  const count = Math.ceil(shards.length / 3);
  for (const index of someBelow(random, shards.length, count)) {
    const path = shards[index];
    if (path !== undefined) await work(path);
  }
}

async function swapShards(drive: string, random: SeededRandom): Promise<void> {
  const shards = await shardsOf(drive);
  const [one = 0, other = 0] = someBelow(random, shards.length, Math.min(2, shards.length));
  const [first, second] = [shards[one], shards[other]];
  if (first === undefined || second === undefined || first === second) return;
  await rename(first, `${first}.aside`);
  await rename(second, first);
  await rename(`${first}.aside`, second);
}
