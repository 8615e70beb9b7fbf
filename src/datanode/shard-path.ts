// Where a shard lies on its drive: `shards/<ab>/<setId>.<index>`, where <ab> is the last two hex digits of the set's
// id (they are random), so that no folder grows too large and a listing goes folder by folder.

import { isSetId } from "../core/ids.ts";
import { assert } from "../util/assert.ts";
import { SHARDS_FOLDER } from "./drive-identity.ts";
import type { ShardName } from "./shard-store.ts";

/** How many folders there are. */
const BUCKET_COUNT = 256;

const INDEX_MAX = 254;
const FILE_NAME = /^([0-9a-f]{32})\.(0|[1-9]\d{0,2})$/;

/** The folder of a shard. */
export function shardFolder(name: ShardName): string {
  return `${SHARDS_FOLDER}/${name.setId.slice(-2)}`;
}

/** The file of a shard. Asserts what a path must never be made of. */
export function shardPath(name: ShardName): string {
  assert(isSetId(name.setId), "a shard is named by a set id");
  const isIndex = Number.isInteger(name.index) && name.index >= 0 && name.index <= INDEX_MAX;
  assert(isIndex, "a shard has an index");
  return `${shardFolder(name)}/${name.setId}.${name.index}`;
}

/** The folder of that number, 0 to 255. */
export function bucketFolder(bucket: number): string {
  const isBucket = Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKET_COUNT;
  assert(isBucket, "a bucket is one of the folders");
  return `${SHARDS_FOLDER}/${bucketDigits(bucket)}`;
}

/** The shard that a file in a bucket's folder is; undefined for files that are none, or lie in the wrong folder. */
export function parseShardFile(bucket: number, fileName: string): ShardName | undefined {
  const match = FILE_NAME.exec(fileName);
  const setId = match?.[1] ?? "";
  const index = Number(match?.[2]);
  if (!isSetId(setId) || index > INDEX_MAX) return undefined;
  return setId.endsWith(bucketDigits(bucket)) ? { setId, index } : undefined;
}

function bucketDigits(bucket: number): string {
  return bucket.toString(16).padStart(2, "0");
}
