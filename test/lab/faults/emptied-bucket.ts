// F72: a bucket of very many keys is emptied while others list it, and read and write beside. No listing shows what is
// surely gone, or lacks what stays, or is out of order; nobody waits long; and at last nothing is left.

import assert from "node:assert/strict";
import { join } from "node:path";
import { compareUtf8 } from "../../../src/util/utf8-order.ts";
import { deletionOf } from "../../support/deletion-request.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { requireClean, requireNoOrphans } from "../lab-admin.ts";
import type { LabClient } from "../lab-client.ts";
import type { Trial } from "./fault-trial.ts";
import { BUCKET, startTrialServer } from "./trial-server.ts";

const KEYS_MIN = 2_000;
const KEYS_MORE = 10_000;
const LANES = 16;
const KEYS_PER_DELETION = 1_000;
/** Of any request beside the deletions, on a busy machine, in milliseconds. */
const WAIT_MS_MAX = 10_000;
/** One key in so many stays. */
const KEPT_EVERY = 50;

interface Lab extends Trial {
  readonly client: LabClient;
  readonly kept: readonly string[];
  /** Their deletion was asked for. */
  readonly going: Set<string>;
  /** Their deletion was acknowledged. */
  readonly gone: Set<string>;
}

export async function emptyBucket(trial: Trial): Promise<void> {
  const { random, journal } = trial;
  const folder = join(await givenFolder(), "data");
  const { server, client } = await startTrialServer(folder, { connections: LANES + 8 });
  const names = namesOf(KEYS_MIN + random.below(KEYS_MORE));
  await putAll(client, names);
  journal.note("keys of buckets that were emptied", names.length);
  const kept = names.filter((_, index) => index % KEPT_EVERY === 0).toSorted(compareUtf8);
  const lab = { ...trial, client, kept, going: new Set<string>(), gone: new Set<string>() };
  let isOver = false;
  const going = names.filter((_, index) => index % KEPT_EVERY !== 0);
  const removing = removeAll(lab, going).finally(() => (isOver = true));
  const hasEnded = (): boolean => isOver;
  const listing = [list(lab, hasEnded), list(lab, hasEnded)];
  await Promise.all([removing, ...listing, serveOthers(lab, hasEnded)]);
  assert.deepEqual(await listAll(lab, 1_000), kept, "what is left");
  await removeAll(lab, kept);
  assert.deepEqual(await listAll(lab, 1_000), [], "the bucket is empty");
  await requireClean({ process: server }, journal);
  await requireNoOrphans({ process: server }, journal);
}

/** In folders, and beyond the BMP. */
function namesOf(count: number): readonly string[] {
  const firsts = ["a", "z", "\u00e9", "\uff61", "\u{1f3fa}"];
  return Array.from({ length: count }, (_, index) => {
    return `${firsts[index % firsts.length] ?? ""}/${index % 97}/${index}`;
  });
}

const pathOf = (name: string) => `/${BUCKET}/${name.split("/").map(encodeURIComponent).join("/")}`;

async function putAll(client: LabClient, names: readonly string[]): Promise<void> {
  const left = [...names];
  const lane = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      // One in a hundred has shards.
      const body = left.length % 100 === 0 ? Buffer.alloc(20_000, name) : name;
      const { status } = await client.send({ method: "PUT", path: pathOf(name), body });
      assert.equal(status, 200, name);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** In batches of any size, several at a time. */
async function removeAll(lab: Lab, names: readonly string[]): Promise<void> {
  const { client, going, gone, journal, random } = lab;
  const left = [...names];
  const lane = async (): Promise<void> => {
    while (left.length > 0) {
      const batch = left.splice(0, 1 + random.below(KEYS_PER_DELETION));
      for (const name of batch) going.add(name);
      const answer = await client.send(deletionOf(`/${BUCKET}`, batch, true));
      assert.equal(answer.status, 200, String(answer.body));
      assert.doesNotMatch(String(answer.body), /<Error>/);
      for (const name of batch) gone.add(name);
      journal.count("deletion of many keys");
    }
  };
  await Promise.all([lane(), lane(), lane()]);
}

async function list(lab: Lab, isOver: () => boolean): Promise<void> {
  const { going, gone, journal, kept, random } = lab;
  while (!isOver()) {
    const goneBefore = new Set(gone);
    const listed = await listAll(lab, 1 + random.below(1_000));
    const seen = new Set(listed);
    assert.deepEqual(listed, [...seen].toSorted(compareUtf8), "in order, none twice");
    assert.deepEqual(
      listed.filter((name) => goneBefore.has(name)),
      [],
      "shown, and gone before",
    );
    assert.deepEqual(
      kept.filter((name) => !seen.has(name)),
      [],
      "not shown, and there all the time",
    );
    journal.count("listing beside deletions");
    journal.note("keys shown that were going", listed.filter((name) => going.has(name)).length);
  }
}

async function listAll({ client }: Lab, pageSize: number): Promise<readonly string[]> {
  const names: string[] = [];
  let token = "";
  do {
    const next = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
    const query = `list-type=2&max-keys=${pageSize}${next}`;
    const { status, body } = await client.send({ method: "GET", path: `/${BUCKET}`, query });
    assert.equal(status, 200);
    const xml = body.toString();
    names.push(...[...xml.matchAll(/<Key>([^<]+)</g)].map(([, name = ""]) => name));
    token = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1] ?? "";
  } while (token !== "");
  return names;
}

/** Small reads and writes: whoever has nothing to do with it does not wait for it. */
async function serveOthers({ client, journal, kept, random }: Lab, isOver: () => boolean) {
  let longestMs = 0;
  while (!isOver()) {
    const begin = performance.now();
    const name = kept[random.below(kept.length)] ?? "";
    const path = pathOf(name);
    const isRead = random.below(2) === 0;
    const answer = await client.send(
      isRead ? { method: "HEAD", path } : { method: "PUT", path, body: name },
    );
    assert.equal(answer.status, 200, name);
    longestMs = Math.max(longestMs, performance.now() - begin);
    journal.count("request beside deletions");
  }
  assert.ok(longestMs < WAIT_MS_MAX, `a small request took ${Math.round(longestMs)} ms`);
}
