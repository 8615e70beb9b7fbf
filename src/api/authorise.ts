// Who may do what: a bucket is its owner's and closed to everybody else. Policies and IAM come to this one place.

import type { Account } from "../core/account.ts";
import { S3Error } from "../core/s3-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectStore } from "../store/object-store.ts";

export interface BucketAccess {
  readonly account: Account;
  readonly bucketName: string;
  readonly action: `s3:${string}`;
  /** `x-amz-expected-bucket-owner`, or its companion for the source of a copy; undefined without the header. */
  readonly expectedOwner: string | undefined;
}

/** @throws S3Error NoSuchBucket, AccessDenied */
export async function openBucketFor(store: ObjectStore, access: BucketAccess): Promise<BucketView> {
  const bucket = await store.findBucket(access.bucketName);
  if (bucket === undefined) {
    throw new S3Error("NoSuchBucket", { detail: { BucketName: access.bucketName } });
  }
  const isExpected = access.expectedOwner === undefined || access.expectedOwner === bucket.ownerId;
  if (bucket.ownerId !== access.account.id || !isExpected) throw new S3Error("AccessDenied");
  return bucket;
}
