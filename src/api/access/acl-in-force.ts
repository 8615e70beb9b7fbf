// The access control lists as they count: what is stored, unless the bucket's ownership puts it out of force.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

import type { AccountId } from "../../core/ids.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { ObjectRecord } from "../../store/records.ts";
import type { BucketSettings } from "../bucket-settings.ts";
import type { OperationContext } from "../operation.ts";
import { BUCKET_ACL, ownersAlone, readAcl } from "./acl.ts";
import type { Grant } from "./acl.ts";
import { ownershipOf } from "./ownership.ts";

type Owned = Pick<ObjectRecord, "acl" | "ownerId">;

async function areListsInForce(settings: BucketSettings, bucket: BucketView): Promise<boolean> {
  return (await ownershipOf(settings, bucket)) !== "BucketOwnerEnforced";
}

/** @throws S3Error AccessControlListNotSupported */
export async function refuseWithoutLists({ settings, bucket }: OperationContext): Promise<void> {
  if (!(await areListsInForce(settings, bucket))) {
    throw new S3Error("AccessControlListNotSupported");
  }
}

export async function bucketGrants(
  settings: BucketSettings,
  bucket: BucketView,
): Promise<readonly Grant[]> {
  const acl = (await areListsInForce(settings, bucket))
    ? await settings.find(bucket, BUCKET_ACL)
    : undefined;
  return acl ?? ownersAlone(bucket.ownerId);
}

/** Whose an object is: where lists are not in force, the bucket owner's, whoever wrote it and whenever. */
export async function objectOwner(
  settings: BucketSettings,
  bucket: BucketView,
  object: Owned,
): Promise<AccountId> {
  return (await areListsInForce(settings, bucket)) ? object.ownerId : bucket.ownerId;
}

export async function objectGrants(
  settings: BucketSettings,
  bucket: BucketView,
  object: Owned,
): Promise<readonly Grant[]> {
  if (!(await areListsInForce(settings, bucket))) return ownersAlone(bucket.ownerId);
  return object.acl === undefined ? ownersAlone(object.ownerId) : readAcl(object.acl);
}
