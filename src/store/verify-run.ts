// Verifies one run of shards: a set of its own, or an object's place in a pack. All of each shard is read.
// A shard counts as good only when all of it is: a GET that meets a bad block leaves the rest of that shard alone, too.

import { shardCount } from "../erasure/geometry.ts";
import type { ShardFinding } from "./verify-report.ts";
import { ShardCheck } from "./shard-check.ts";
import type { SetRun } from "./set-run.ts";
import type { StoreContext } from "./store-context.ts";
import { verifyFrames, type FramesCheck } from "./verify-frames.ts";
import type { PackFileChecks } from "./verify-pack-files.ts";
import { verifyPackEntry, type EntryCheck, type EntryExpectation } from "./verify-pack-entry.ts";
import { verifyStripes } from "./verify-stripes.ts";

export interface RunCheck {
  /** Those that are not good. */
  readonly shards: readonly ShardFinding[];
  readonly isReadable: boolean;
  /** What the drives say of the bytes; undefined when nobody can say. */
  readonly found: { readonly sizeBytes: number; readonly etag: string } | undefined;
  /** Where the drives say something else than the metadata, in a sentence. */
  readonly disagreement: string | undefined;
  /** Whether the bytes are not those of the ETag, though each block's checksum is good. */
  readonly hasWrongBytes: boolean;
  readonly shardsRead: number;
  readonly bytesRead: number;
}

export interface RunToVerify {
  readonly run: SetRun;
  /** For an object in a pack: what its entry must say, and what is known of packs. */
  readonly packed: { readonly entry: EntryExpectation; readonly files: PackFileChecks } | undefined;
}

export async function verifyRun(
  context: StoreContext,
  { run, packed }: RunToVerify,
  signal: AbortSignal | undefined,
): Promise<RunCheck> {
  const { set } = run;
  const drives = context.drives.locate(set.id, set.layoutVersion, shardCount(set));
  const shards = drives.map(
    (drive, index) =>
      new ShardCheck({ setId: set.id, index }, drive, context.limits.readDeadlineMs),
  );
  await Promise.all(shards.map((shard) => shard.reach()));
  const isPacked = packed !== undefined;
  const badHeaders = await packed?.files.check(shards, set);
  const frames: FramesCheck & Partial<EntryCheck> = isPacked
    ? await verifyPackEntry(shards, run, packed.entry)
    : await verifyFrames(shards, set, context.clusterId);
  const { frame, disagreement, damaged } = frames;
  const goodBefore = shards.filter((shard) => shard.isGood);
  const shardsRead = goodBefore.length;
  const found = frame && { sizeBytes: frame.dataBytes, etag: frame.etag };
  if (disagreement !== undefined || frame === undefined) {
    return { ...summaryOf(shards, set), found, disagreement, ...NOTHING_READ, shardsRead };
  }
  const { digest, wrongParity, bytesRead } = await verifyStripes(context, run, shards, signal);
  // Of a longer hash than MD5 the first half is kept.
  const hasWrongBytes = digest?.startsWith(frame.etag) === false;
  const isCutShort = signal?.aborted === true;
  for (const shard of shards) {
    if (!shard.isGood || isCutShort) continue;
    // With wrong bytes nobody can say which shards are right.
    if (wrongParity.has(shard.index) && !hasWrongBytes) {
      shard.note("wrong", "it is not the parity of the data");
    } else if (!isPacked && shard.digest() !== frame.digests[shard.index]) {
      shard.note("wrong", "its blocks are not those that its siblings' footers name");
    }
  }
  const { isReadable } = summaryOf(shards, set);
  for (const shard of shards) {
    const problem = damaged?.get(shard) ?? badHeaders?.get(shard.index);
    if (problem !== undefined) shard.note("damaged", problem);
  }
  return {
    ...summaryOf(shards, set),
    isReadable,
    found,
    disagreement,
    hasWrongBytes: hasWrongBytes && !isCutShort,
    shardsRead,
    bytesRead,
  };
}

const NOTHING_READ = { hasWrongBytes: false, bytesRead: 0 };

function summaryOf(
  shards: readonly ShardCheck[],
  { dataShards }: { readonly dataShards: number },
): Pick<RunCheck, "isReadable" | "shards"> {
  return {
    shards: shards.flatMap(({ finding }) => finding ?? []),
    isReadable: shards.filter((shard) => shard.isGood).length >= dataShards,
  };
}
