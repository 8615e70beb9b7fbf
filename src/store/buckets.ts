// Buckets and their named documents: the metadata's own operations, with this store's clock.

import type { ObjectStore } from "./object-store.ts";
import type { StoreContext } from "./store-context.ts";

type BucketOperations = Pick<
  ObjectStore,
  | "createBucket"
  | "deleteBucket"
  | "findBucket"
  | "findBucketConfig"
  | "listBuckets"
  | "putBucketConfig"
  | "putBucketLock"
  | "putBucketQuota"
  | "setVersioning"
>;

export function bucketOperations({ metadata, clock }: StoreContext): BucketOperations {
  return {
    findBucket: (name) => metadata.findBucket(name),
    listBuckets: (query) => metadata.listBuckets(query),
    createBucket: ({ name, owner, region, hasLock = false, documents }) => {
      const createdAt = clock.now();
      const input = { name, ownerId: owner.id, region, hasLock, createdAt, documents };
      return metadata.createBucket(input);
    },
    deleteBucket: (bucket) => metadata.deleteBucket(bucket.id),
    findBucketConfig: (bucket, name) => metadata.findBucketConfig(bucket.id, name),
    putBucketConfig: (bucket, name, value) => metadata.putBucketConfig(bucket.id, name, value),
    setVersioning: (bucket, versioning) => metadata.setVersioning(bucket.id, versioning),
    putBucketLock: (bucket, lock) => metadata.putBucketLock(bucket.id, lock),
    putBucketQuota: (bucket, quotaBytes) => metadata.putBucketQuota(bucket.id, quotaBytes),
  };
}
