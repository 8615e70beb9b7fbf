// Looks at every shard on every drive, a folder at a time, and notes what the base of the new metadata does not decide
// about: sets, and whose bytes they say that they hold.

import { incarnationOf, type SetId } from "../core/ids.ts";
import type { ShardStore } from "../datanode/shard-store.ts";
import type { ClaimStage } from "../metadata/sqlite/rebuild/claim-stage.ts";
import type { KnownSet } from "../metadata/sqlite/rebuild/base-knowledge.ts";
import { FOLDER_COUNT, findSets, headerOf, shardsOf, type FoundSet } from "./found-set.ts";
import { readOwnSet } from "./read-own-set.ts";
import { findRefusal } from "../store/refusal-text.ts";
import { readPack } from "./read-pack.ts";
import type { RebuildTally } from "./rebuild-tally.ts";

export interface ScanOptions {
  readonly drives: readonly ShardStore[];
  readonly clusterId: string;
  readonly knows: (setId: SetId, incarnation: ReturnType<typeof incarnationOf>) => KnownSet;
  readonly stage: ClaimStage;
  readonly tally: RebuildTally;
  /** Called for every set that has a shard anywhere. */
  readonly onSet: (set: FoundSet) => void;
  readonly onProgress: (words: string) => void;
}

/** Sets that are read at a time: enough to keep all drives busy. */
const CONCURRENCY = 24;

/** @throws ShardError when a drive that is there cannot be listed: what is on it must not be passed over. */
export async function scanDrives(options: ScanOptions): Promise<void> {
  const { tally, onProgress } = options;
  for (let folder = 0; folder < FOLDER_COUNT; folder += 1) {
    const sets = await listFolder(options, folder);
    await forEach(sets, CONCURRENCY, (set) => readOne(options, set));
    onProgress(
      `the drives are read: ${Math.floor(((folder + 1) * 100) / FOLDER_COUNT)}%, ${tally.shardFiles} shards, ` +
        `${tally.claims} objects and parts`,
    );
  }
}

async function listFolder(
  { drives, tally, onSet }: ScanOptions,
  folder: number,
): Promise<readonly FoundSet[]> {
  const { sets, fileCount } = await findSets(drives, folder);
  tally.shardFiles += fileCount;
  for (const set of sets) onSet(set);
  return sets;
}

async function readOne(options: ScanOptions, found: FoundSet): Promise<void> {
  const { drives, clusterId, tally } = options;
  const { setId } = found;
  const known = options.knows(setId, incarnationOf(setId));
  tally.sets += 1;
  if (known.kind === "decided") return;
  const header = await headerOf(drives, found);
  if (header === undefined) {
    tally.unfinished += 1;
    return;
  }
  if (header.clusterId !== clusterId) {
    tally.damaged.add(`set ${setId} is of another cluster, ${header.clusterId}`);
    return;
  }
  const shards = await shardsOf(drives, found);
  if (header.pack !== true) return noteOwnSet(options, readOwnSet(header, shards), header);
  const read = await readPack(header, shards, known.kind === "growing" ? known.isDecided : isNews);
  notePack(options, read);
}

function noteOwnSet(
  { stage, tally }: ScanOptions,
  read: ReturnType<typeof readOwnSet>,
  {
    bucket,
    key,
    dataShards,
  }: { readonly bucket: string; readonly key: string; readonly dataShards: number },
): void {
  if (read.kind === "unfinished") tally.unfinished += 1;
  else if (read.kind === "lost") {
    tally.lost.add(
      `${bucket}/${key}: ${read.wholeCount} of its shards are there, and reading takes ${dataShards}`,
    );
  } else {
    stage.addSet(read.set);
    stage.addClaim(read.claim);
    tally.claims += 1;
  }
}

function notePack(
  { stage, tally }: ScanOptions,
  { set, claims, lostCount, unfinishedCount, stoppedAt }: Awaited<ReturnType<typeof readPack>>,
): void {
  tally.packs += 1;
  tally.unfinished += unfinishedCount;
  if (lostCount > 0)
    tally.lost.add(`${lostCount} objects in pack ${set.id}: too few of its shards are there`);
  if (stoppedAt !== undefined) {
    tally.damaged.add(`pack ${set.id} cannot be read from ${stoppedAt} on, in any of its shards`);
  }
  if (claims.length === 0) return;
  stage.addSet(set);
  for (const claim of claims) {
    const refused = findRefusal(claim.about);
    if (refused === undefined) {
      stage.addClaim(claim);
      tally.claims += 1;
    } else stage.addRefused(refused);
  }
}

/** Nothing else decides about any entry. */
const isNews = (): boolean => false;

async function forEach<Item>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const lanes = Array.from({ length: Math.min(concurrency, items.length) }, async () => {
    for (const item of waiting) await work(item);
  });
  await Promise.all(lanes);
}
