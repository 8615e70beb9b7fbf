// A last look at what the metadata's table of sets does not know, before it is removed: nothing guards that table against
// rot but that objects name their sets too. Shards say whose bytes they are; where the row of that object or part names
// them all the same, or cannot be read, they are kept.

import { readShardHeader } from "../datanode/read-shard.ts";
import type { ShardHeader } from "../datanode/shard-format.ts";
import { ShardError } from "../datanode/shard-store.ts";
import type { SetId } from "../core/ids.ts";
import type { Content } from "../metadata/records.ts";
import { callDrive } from "./call-drive.ts";
import { packEntries } from "./pack-walk.ts";
import type { FoundSet } from "./seen-orphans.ts";
import type { StoreContext } from "./store-context.ts";

type Claim = Pick<ShardHeader, "bucket" | "key" | "part">;

/** Whether a row of the metadata names the set, or may. Shards that say nothing whole are nobody's. */
export async function isClaimed(context: StoreContext, found: FoundSet): Promise<boolean> {
  const { setId } = found;
  const header = await headerOf(context, found);
  if (header === undefined) return false;
  if (header.pack !== true) return isNamed(context, setId, header);
  const { dataShards, parityShards, unitBytes, headerBytes } = header;
  const layoutVersion = context.drives.likelyLayout(found.setId, found.shards);
  const geometry = { dataShards, parityShards, unitBytes, headerBytes };
  const set = { ...geometry, id: setId, layoutVersion, sizeBytes: 0, missing: [] };
  for await (const { entry } of packEntries(context, set)) {
    if (await isNamed(context, setId, entry)) return true;
  }
  return false;
}

async function headerOf(
  { limits }: StoreContext,
  { setId, shards }: FoundSet,
): Promise<ShardHeader | undefined> {
  for (const { drive, index } of shards) {
    try {
      const reading = readShardHeader(drive.store, { setId, index });
      return await callDrive(drive, reading, { deadlineMs: limits.readDeadlineMs });
    } catch (error) {
      if (!(error instanceof ShardError)) throw error;
      drive.noteError(error);
    }
  }
  return undefined;
}

async function isNamed(context: StoreContext, setId: SetId, claim: Claim): Promise<boolean> {
  try {
    const content = await contentOf(context, claim);
    if (content === undefined || content.kind === "inline" || content.kind === "manifest") {
      return false;
    }
    return content.set.id === setId;
  } catch (err) {
    context.logger.warn({ err, setId }, "shards are kept: the row that may name them is damaged");
    return true;
  }
}

async function contentOf(
  { metadata }: StoreContext,
  { bucket, key, part }: Claim,
): Promise<Content | { readonly kind: "manifest" } | undefined> {
  const found = await metadata.findBucket(bucket);
  if (found === undefined) return undefined;
  if (part === undefined) return (await metadata.findObject(found.id, key))?.content;
  const upload = await metadata.findUpload(found.id, key, part.uploadId);
  return upload && (await metadata.findPart(upload.manifestId, part.number))?.content;
}
