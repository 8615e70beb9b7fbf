// The tags of a bucket as its setting holds them: a JSON list of pairs, or no setting at all.

import type { Tag } from "../core/tags.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectStore } from "../store/object-store.ts";

const CONFIG = "tagging";

/** No tags at all remove the setting. */
export async function putTags(
  store: ObjectStore,
  bucket: BucketView,
  tags: readonly Tag[],
): Promise<void> {
  const text = JSON.stringify(tags.map(({ key, value }) => [key, value]));
  await store.putBucketConfig(bucket, CONFIG, tags.length === 0 ? undefined : text);
}

export async function findTags(
  store: ObjectStore,
  bucket: BucketView,
): Promise<readonly Tag[] | undefined> {
  const text = await store.findBucketConfig(bucket, CONFIG);
  if (text === undefined) return undefined;
  // What putTags wrote: nobody else writes this setting.
  const pairs = JSON.parse(text) as readonly (readonly [string, string])[];
  return pairs.map(([key, value]) => ({ key, value }));
}
