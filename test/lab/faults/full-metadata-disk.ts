// F45: the disk of the metadata full while the drives have room: new bytes are refused in words; reading, listing and
// deleting go on, also after a kill -9 while it is full; and with what is deleted there is room again. On a small tmpfs
// in the place of the first drive, which only root may mount.

import assert from "node:assert/strict";
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { deletionOf } from "../../support/deletion-request.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { mountSmallDisk } from "../../support/small-disk.ts";
import { until } from "../../support/until.ts";
import { requireClean } from "../lab-admin.ts";
import type { LabAnswer } from "../lab-client.ts";
import type { Trial } from "./fault-trial.ts";
import { BUCKET, startTrialServer, type TrialServer } from "./trial-server.ts";

const MIB = 1024 * 1024;
/** What lies in the metadata. */
const INLINE_BYTES_MAX = 16 * 1024;
const LANES = 8;
const LIMIT_MS = 90_000;
const KEYS_PER_DELETION = 500;

export async function fillMetadataDisk({ random, journal }: Trial): Promise<void> {
  const folder = join(await givenFolder(), "data");
  const drive = join(folder, "drive-1");
  await mkdir(drive, { recursive: true });
  if (!mountSmallDisk(drive, (32 + random.below(48)) * MIB)) {
    return journal.note("F45 not run: no tmpfs can be mounted");
  }
  let served = await startTrialServer(folder);
  const contents = new Map<string, Buffer>();
  const unknown = new Set<string>();
  const put = async (key: string, body: Buffer): Promise<LabAnswer> =>
    served.client.send({ method: "PUT", path: `/${BUCKET}/${key}`, body });
  const putOne = async (isOver: () => boolean): Promise<void> => {
    while (!isOver()) {
      const key = `key-${String(contents.size).padStart(5, "0")}`;
      const body = Buffer.alloc(1 + random.below(INLINE_BYTES_MAX), `${contents.size}.`);
      contents.set(key, body);
      const answer = await put(key, body);
      if (answer.status === 200) continue;
      contents.delete(key);
      isFull = true;
      // What the members hold when the database has no room any more comes to be later.
      if (answer.status === 503) unknown.add(key);
      else requireFull(answer);
    }
  };
  let isFull = false;
  await Promise.all(Array.from({ length: LANES }, () => putOne(() => isFull)));
  journal.count("metadata's disk filled");
  const { bavail, bsize } = await statfs(folder);
  assert.ok(bavail * bsize > 100 * MIB, "the other drives have room");
  if (random.below(2) === 0) {
    await served.server.kill();
    served = await startTrialServer(folder);
    journal.note("killed while the metadata's disk was full");
  }
  const keys = [...contents.keys()];
  for (let tries = 0; tries < 50; tries += 1) {
    const key = keys[random.below(keys.length)] ?? "";
    await requireContent(served, key, contents.get(key));
  }
  await requireListed(served, keys, unknown);
  await until(LIMIT_MS, "it is known to be full", async () => {
    const large = await put("large", Buffer.alloc(2 * MIB));
    if (large.status !== 200 && large.status !== 503) requireFull(large);
    return large.status === 507;
  });
  await removeShare(served, contents, 60 + random.below(40));
  await until(LIMIT_MS, "there is room again", async () => {
    return (await put("again", Buffer.alloc(MIB + 1))).status === 200;
  });
  for (const [key, content] of contents) await requireContent(served, key, content);
  await requireClean({ process: served.server }, journal);
  journal.count("room on the metadata's disk again");
}

function requireFull({ status, body }: LabAnswer): void {
  assert.deepEqual([status, /<Code>(\w+)</.exec(String(body))?.[1]], [507, "InsufficientStorage"]);
}

async function requireContent({ client }: TrialServer, key: string, content: Buffer | undefined) {
  const { status, body } = await client.send({ method: "GET", path: `/${BUCKET}/${key}` });
  assert.equal(status, 200, key);
  assert.ok(content?.equals(body), `${key} has other bytes`);
}

async function requireListed(
  { client }: TrialServer,
  keys: readonly string[],
  unknown: ReadonlySet<string>,
): Promise<void> {
  const { body } = await client.send({ method: "GET", path: `/${BUCKET}`, query: "list-type=2" });
  const listed = [...String(body).matchAll(/<Key>([^<]+)</g)]
    .map(([, key]) => key ?? "")
    .filter((key) => !unknown.has(key));
  assert.deepEqual(listed, keys.toSorted().slice(0, listed.length));
  assert.ok(listed.length > 100, "a page of it");
}

/** So many of a hundred. */
async function removeShare(
  { client }: TrialServer,
  contents: Map<string, Buffer>,
  percent: number,
): Promise<void> {
  const gone = [...contents.keys()].slice(0, Math.ceil((contents.size * percent) / 100));
  for (let start = 0; start < gone.length; start += KEYS_PER_DELETION) {
    const keys = gone.slice(start, start + KEYS_PER_DELETION);
    const answer = await client.send(deletionOf(`/${BUCKET}`, keys, true));
    assert.equal(answer.status, 200, String(answer.body));
    assert.doesNotMatch(String(answer.body), /<Error>/);
    for (const key of keys) contents.delete(key);
  }
}
