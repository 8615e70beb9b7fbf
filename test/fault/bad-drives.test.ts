// Bad input at the start: drives of another cluster, doubled, swapped, emptied, stale, torn, foreign, newer. Each is
// recognised and answered in words that say what to do. A start that is refused has changed no file; one that goes on
// has deleted and reformatted nothing, keeps what it replaced under another name, and serves every object whole.
// Folders in any order and emptied ones: drive-folders.test.ts. Damage of every kind to identities and journals:
// the unit tests of drive-identity and local-member.

import {
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readIdentity, writeIdentity } from "../../src/datanode/drive-identity.ts";
import { openRealDisk } from "../../src/disk/real-disk.ts";
import { crc32c } from "../../src/util/crc32c.ts";
import { digestOf, only, treeOf } from "../support/folder-tree.ts";
import { givenFolder, runProcess, startProcess } from "../support/kintsugi-process.ts";
import { patterned } from "../support/s3-server.ts";
import { sdkClientOf } from "../support/sdk-client.ts";

const KEYS = { accessKey: "operator", secretKey: "operator-secret-0123456789" };
const ENV = {
  KINTSUGI_ACCESS_KEY: KEYS.accessKey,
  KINTSUGI_SECRET_KEY: KEYS.secretKey,
  KINTSUGI_BUCKETS: "bucket",
  KINTSUGI_ADMIN_PORT: "none",
};
const Bucket = "bucket";
/** Inline, in a pack, in a set of its own. */
const SIZES = { inline: 100, packed: 100_000, large: 2_000_000 };
const DRIVES = [1, 2, 3, 4, 5, 6];

const ends: (() => Promise<unknown>)[] = [];
/** A cluster that was stopped in order, and another one; tests work on copies. */
let standing = "";
let other = "";
let clusterId = "";

const serverArgs = (folders: readonly string[]) => ["server", ...folders, "--port", "0"];

function start(folders: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return startProcess(serverArgs(folders), { env: { ...ENV, ...env } });
}

async function putAll(client: S3Client, seed: number, prefix = ""): Promise<void> {
  for (const [name, size] of Object.entries(SIZES)) {
    const Body = patterned(size, seed);
    await client.send(new PutObjectCommand({ Bucket, Key: prefix + name, Body }));
  }
}

async function expectAll(client: S3Client, seed: number, prefix = ""): Promise<void> {
  for (const [name, size] of Object.entries(SIZES)) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: prefix + name }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    expect(Buffer.compare(bytes, patterned(size, seed)), prefix + name).toBe(0);
  }
}

beforeAll(async () => {
  const base = await givenFolder((end) => ends.push(end));
  [standing, other] = [join(base, "standing"), join(base, "other")];
  for (const folder of [standing, other]) {
    const onEnd = (end: () => Promise<void>) => ends.push(end);
    const server = startProcess(serverArgs([folder]), { env: ENV, onEnd });
    const credentials = { accessKeyId: KEYS.accessKey, secretAccessKey: KEYS.secretKey };
    const endpoint = await server.ready();
    const client = new S3Client({ endpoint, region: "us-east-1", credentials });
    await putAll(client, 1);
    client.destroy();
    await server.stop();
    if (folder === standing) [, clusterId = ""] = /cluster +(\S+)/.exec(server.stdout) ?? [];
  }
});

afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

/** A copy of the cluster, to be damaged. */
async function givenCopy() {
  const base = await givenFolder();
  const folder = join(base, "data");
  await cp(standing, folder, { recursive: true });
  return { folder, drive: (number: number) => join(folder, `drive-${number}`) };
}

type Copy = Awaited<ReturnType<typeof givenCopy>>;

async function empty(path: string): Promise<void> {
  await rm(path, { recursive: true });
  await mkdir(path);
}

async function replace(path: string, by: string): Promise<void> {
  await rm(path, { recursive: true });
  await cp(by, path, { recursive: true });
}

async function editJson(path: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const content = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...content, ...change }));
}

async function halve(path: string): Promise<void> {
  await truncate(path, Math.floor((await readFile(path)).length / 2));
}

function changeDatabase(path: string, statement: string): void {
  const database = new Database(path);
  database.exec(statement);
  database.close();
}

const metadataOf = ({ drive }: Copy) => join(drive(1), "metadata", "metadata.db");

interface BadInput {
  readonly damage: (copy: Copy) => Promise<unknown>;
  /** What is said: when it is refused as the error, else as notes below the banner. */
  readonly words: RegExp;
  readonly env?: () => Readonly<Record<string, string>>;
}

function inputOf<Input>(inputs: Readonly<Record<string, Input>>, name: string): Input {
  const input = inputs[name];
  if (input === undefined) throw new Error(`no input ${name}`);
  return input;
}

const OTHER_ID = "00000000-0000-4000-8000-000000000000";

const REFUSED: Readonly<Record<string, BadInput>> = {
  "F41 a drive of another cluster": {
    damage: ({ drive }) => replace(drive(4), join(other, "drive-4")),
    words:
      /drive-4 is a drive of another cluster .*Nothing was changed: name only the drives of one/s,
  },
  "F41 the same drive twice": {
    damage: ({ drive }) => replace(drive(3), drive(2)),
    words: /drive-2 and \S+drive-3 are the same drive \(slot 2\).*Name only one of them/,
  },
  "F41 a folder of something else": {
    damage: async ({ drive }) => {
      await empty(drive(3));
      await writeFile(join(drive(3), "holiday.jpg"), "x");
    },
    words: /drive-3 holds files \(holiday\.jpg\).*was left alone\. Name an empty folder/s,
  },
  "F34 an identity that was cut off": {
    damage: ({ drive }) => halve(join(drive(2), "kintsugi.json")),
    words: /drive-2\/kintsugi\.json is damaged.*left alone.*empty the folder/s,
  },
  "F60 a drive of a newer format": {
    damage: ({ drive }) => editJson(join(drive(2), "kintsugi.json"), { formatVersion: 9 }),
    words: /is of format version 9; .*run the newer program/s,
  },
  "F60 metadata of a newer version": {
    damage: async (copy) => changeDatabase(metadataOf(copy), "pragma user_version = 900"),
    words:
      /metadata\.db has schema version 900, written by a newer Kintsugi.*run the newer program/,
  },
  "F49 a database of another program where the metadata was": {
    damage: async (copy) => {
      await rm(metadataOf(copy));
      changeDatabase(metadataOf(copy), "create table songs (title text)");
    },
    words: /metadata\.db is a database of another program\. Nothing was changed: move it away/,
  },
  "F39 more drives empty than parity replaces": {
    damage: ({ drive }) => Promise.all([4, 5, 6].map((number) => empty(drive(number)))),
    words: /3 of 6 drive folders are empty.*Nothing was changed: give back their contents/s,
  },
  "F49 more copies of the metadata taken away than may be lost": {
    damage: ({ drive }) =>
      Promise.all([1, 2, 3].map((number) => empty(join(drive(number), "journal")))),
    words: /2 of the 5 copies of the metadata are there, and 3 are needed.*give them back/s,
  },
  "F77 the database and all of its copies taken away": {
    damage: ({ drive }) =>
      Promise.all(
        DRIVES.flatMap((number) =>
          ["journal", "metadata"].map((name) =>
            rm(join(drive(number), name), { recursive: true, force: true }),
          ),
        ),
      ),
    words:
      /there are shards on the drives, and nothing of the metadata.*give back.*kintsugi rebuild \S+data,/s,
  },
  "F39 all drives empty, of a cluster whose id is known": {
    damage: ({ drive }) => Promise.all(DRIVES.map((number) => empty(drive(number)))),
    words: /all 6 drive folders are empty\. Nothing was changed: .*are their disks mounted\?/,
    env: () => ({ KINTSUGI_CLUSTER_ID: clusterId }),
  },
  "F41 another cluster than the one that is meant": {
    damage: async () => undefined,
    words: /these are the drives of the cluster .*Nothing was changed: name the right folders/s,
    env: () => ({ KINTSUGI_CLUSTER_ID: OTHER_ID }),
  },
};

test.each(Object.keys(REFUSED))("%s: refused in words, and nothing is changed", async (name) => {
  const { damage, words, env = () => ({}) } = inputOf(REFUSED, name);
  const copy = await givenCopy();
  await damage(copy);
  const before = await treeOf(copy.folder);
  const { code, stdout, stderr } = await runProcess(serverArgs([copy.folder]), {
    env: { ...ENV, ...env() },
  });
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/ at .*\.js/);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(await treeOf(copy.folder)).toEqual(before);
});

/** For what is seen when it is read, or by `kintsugi verify`, and not at the start. */
const NOTHING = /^$/;

const firstOf = async (folder: string, pattern: RegExp): Promise<string> => {
  const names = await readdir(folder, { recursive: true });
  return join(folder, names.find((name) => pattern.test(name)) ?? "nothing fits");
};

const SERVED: Readonly<Record<string, BadInput>> = {
  "F41 drives that were swapped": {
    damage: async ({ drive }) => {
      await rename(drive(2), drive(9));
      await rename(drive(5), drive(2));
      await rename(drive(9), drive(5));
    },
    words: NOTHING,
  },
  "F39 an empty folder where a disk was mounted": {
    damage: async ({ drive }) => {
      for (const number of DRIVES) await noteMount(drive(number), 3);
      await empty(drive(3));
    },
    words: /drive-3 is empty and nothing is mounted there.*mount its disk and start again/,
  },
  "F34 F49 a shard that was cut off": {
    damage: async ({ drive }) => halve(await firstOf(join(drive(2), "shards"), /\.\d+$/)),
    words: NOTHING,
  },
  "F49 foreign files among the shards and beside them": {
    damage: async ({ drive }) => {
      await writeFile(join(drive(2), "holiday.jpg"), "x");
      await mkdir(join(drive(3), "shards", "ab"), { recursive: true });
      await writeFile(join(drive(3), "shards", "ab", "notes.txt"), "x");
      await mkdir(join(drive(4), "shards", "zz", "deep"), { recursive: true });
    },
    words: NOTHING,
  },
  "F49 a whole drive's shards deleted by hand": {
    damage: ({ drive }) => rm(join(drive(2), "shards"), { recursive: true }),
    words: NOTHING,
  },
  "F05 a torn journal": {
    damage: async ({ drive }) => halve(await firstOf(join(drive(2), "journal"), /\.log$/)),
    words: /drive-2: .*intact up to record/,
  },
  "F49 a journal that was taken away": {
    damage: ({ drive }) => rm(join(drive(2), "journal"), { recursive: true }),
    words: NOTHING,
  },
  "F60 a journal of a newer format": {
    damage: async ({ drive }) => {
      const path = join(drive(2), "journal", "promise.json");
      const { content } = JSON.parse(await readFile(path, "utf8")) as { content: unknown };
      const sum = crc32c(Buffer.from(JSON.stringify([9, content])));
      const checksum = sum.toString(16).padStart(8, "0");
      await writeFile(path, JSON.stringify({ formatVersion: 9, checksum, content }));
    },
    words: /drive-2 does not answer for its copy of the metadata: .*newer/,
  },
  "F23 a torn database": {
    damage: (copy) => halve(metadataOf(copy)),
    words: /metadata\.db was set aside .*made anew from the copies on the members/,
  },
  "F77 the database deleted, and its folder": {
    damage: ({ drive }) => rm(join(drive(1), "metadata"), { recursive: true }),
    words: NOTHING,
  },
  "F23 an empty database": {
    damage: (copy) => truncate(metadataOf(copy), 0),
    words: NOTHING,
  },
  "F30 a database of garbage": {
    damage: (copy) => writeFile(metadataOf(copy), "x".repeat(100_000)),
    words: /metadata\.db was set aside .*made anew from the copies on the members/,
  },
  "F41 the metadata of another cluster": {
    damage: (copy) => replace(metadataOf(copy), join(other, "drive-1", "metadata", "metadata.db")),
    words: /metadata\.db was set aside \(it does not agree with the copies on the members\)/,
  },
};

test.each(Object.keys(SERVED))("%s: served whole, and nothing is deleted", async (name) => {
  const { damage, words, env = () => ({}) } = inputOf(SERVED, name);
  const copy = await givenCopy();
  const intact = await treeOf(copy.folder);
  await damage(copy);
  const before = await treeOf(copy.folder);
  const database = await digestOf(metadataOf(copy)).catch(() => "");
  const server = start([copy.folder], env());
  const client = sdkClientOf(await server.ready(), KEYS);
  expect(server.stdout.match(/^ +note .*$/gm)?.join("\n") ?? "").toMatch(words);
  await expectAll(client, 1);
  await putAll(client, 2, "new-");
  await expectAll(client, 2, "new-");
  const { code } = await server.stop();
  expect(code).toBe(0);
  const after = await treeOf(copy.folder);
  // What a server owns and writes to: its database, which is kept where another takes its place, and its journals.
  const kept = only(before, /^(?!.*\/(journal|metadata)\/)/);
  // Where it took long enough, repair has made what was damaged anew, byte for byte.
  const mended = [...after].filter(([path, digest]) => intact.get(path) === digest);
  expect(only(after, /./)).toEqual(new Map([...after, ...kept, ...mended]));
  const setAside = words.source.includes("set aside") ? [database] : [];
  expect([...after.values()]).toEqual(expect.arrayContaining(setAside));
});

/** Lets every identity say that the drive of that slot was a mount point. */
async function noteMount(path: string, number: number): Promise<void> {
  const disk = openRealDisk({ root: path, deadlineMs: 10_000, maxInFlight: 1 });
  const identity = await readIdentity(disk);
  if (identity === undefined) throw new Error(`${path} is no drive`);
  const slots = identity.slots.map((slot, index) => ({
    ...slot,
    wasMountPoint: index === number - 1,
  }));
  await writeIdentity(disk, { ...identity, slots });
}

test("F49 a database older than its drives is brought up to date", async () => {
  const copy = await givenCopy();
  const first = start([copy.folder]);
  const client = sdkClientOf(await first.ready(), KEYS);
  await putAll(client, 2);
  await putAll(client, 3, "new-");
  await client.send(new DeleteObjectCommand({ Bucket, Key: "new-inline" }));
  await first.stop();
  await rm(`${metadataOf(copy)}-wal`, { force: true });
  await rm(`${metadataOf(copy)}-shm`, { force: true });
  await replace(metadataOf(copy), join(standing, "drive-1", "metadata", "metadata.db"));

  const second = start([copy.folder]);
  const again = sdkClientOf(await second.ready(), KEYS);
  await expectAll(again, 2);
  await expect(
    again.send(new GetObjectCommand({ Bucket, Key: "new-inline" })),
  ).rejects.toMatchObject({ name: "NoSuchKey" });
  const { ContentLength } = await again.send(new HeadObjectCommand({ Bucket, Key: "new-large" }));
  expect(ContentLength).toBe(SIZES.large);
});

test("F49 a database newer than its drives is kept, and told of", async () => {
  const copy = await givenCopy();
  const first = start([copy.folder]);
  await putAll(sdkClientOf(await first.ready(), KEYS), 2, "new-");
  await first.stop();
  for (const number of DRIVES) {
    const journal = join(standing, `drive-${number}`, "journal");
    await replace(join(copy.drive(number), "journal"), journal);
  }
  const database = await digestOf(metadataOf(copy));

  const second = start([copy.folder]);
  const again = sdkClientOf(await second.ready(), KEYS);
  expect(second.stdout).toMatch(/metadata\.db was set aside \(it does not agree with the copies/);
  await expectAll(again, 1);
  await second.stop();
  expect([...(await treeOf(copy.folder)).values()]).toContain(database);
});

test("F40 an old drive that comes back after a week brings nothing back, and serves again", async () => {
  const copy = await givenCopy();
  const away = join(copy.folder, "on-the-shelf");
  await rename(copy.drive(2), away);
  const others = [1, 3, 4, 5, 6].map((number) => copy.drive(number));
  const first = start(others);
  const client = sdkClientOf(await first.ready(), KEYS);
  expect(first.stdout).toMatch(/drive 2 \(.*\) is away/);
  // Each of what the old drive knows is deleted, or another.
  await client.send(new DeleteObjectCommand({ Bucket, Key: "inline" }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "packed" }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: "large" }));
  await putAll(client, 3, "week-");
  await first.stop();

  await rename(away, copy.drive(2));
  const second = start([copy.folder]);
  const again = sdkClientOf(await second.ready(), KEYS);
  await expectAll(again, 3, "week-");
  for (const Key of Object.keys(SIZES)) {
    await expect(again.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
  }
  await putAll(again, 4, "later-");
  await second.stop();
  // The old drive counts: with two others away nothing is missing of what was written since.
  for (const number of [5, 6]) await rm(copy.drive(number), { recursive: true });
  const third = start([copy.folder]);
  await expectAll(sdkClientOf(await third.ready(), KEYS), 4, "later-");
});

test("F41 two names of one folder are refused, at the first start too", async () => {
  const base = await givenFolder();
  await mkdir(join(base, "a"));
  await symlink(join(base, "a"), join(base, "b"));
  const { code, stderr } = await runProcess(serverArgs([join(base, "a"), join(base, "b")]), {
    env: ENV,
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/\/a and \S+\/b are the same folder: each folder is one drive/);
  expect(await readdir(join(base, "a"))).toEqual([]);
});

test("F39 with --accept-loss a new cluster begins under the id that is known", async () => {
  const folder = await givenFolder();
  const env = { KINTSUGI_CLUSTER_ID: OTHER_ID, KINTSUGI_ACCEPT_LOSS: "on" };
  const first = start([folder], env);
  await first.ready();
  expect(first.stdout).toMatch(new RegExp(`^ +cluster +${OTHER_ID}$`, "m"));
  await first.stop();
  const second = start([folder], { KINTSUGI_CLUSTER_ID: OTHER_ID.toUpperCase() });
  await second.ready();
});
