// The location of a bucket as GetBucketLocation tells it. Buckets of us-east-1 have none, as with S3; only a client that
// named it when it made the bucket gets it back.
// Differs from AWS: S3 refuses us-east-1 as a LocationConstraint; here it is taken, so that a client may always say it.

import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectStore } from "../store/object-store.ts";

const NAMELESS_REGION = "us-east-1";
const CONFIG = "location";

export async function putExplicitLocation(
  store: ObjectStore,
  bucket: BucketView,
  location: string | undefined,
): Promise<void> {
  if (location === NAMELESS_REGION) await store.putBucketConfig(bucket, CONFIG, location);
}

export async function getLocation(store: ObjectStore, bucket: BucketView): Promise<string> {
  if (bucket.region !== NAMELESS_REGION) return bucket.region;
  return (await store.findBucketConfig(bucket, CONFIG)) ?? "";
}
