// Which grant of an access control list stands for which permission of policies.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping

import type { S3Action } from "../operation.ts";
import type { AclPermission } from "./acl.ts";

/** On the list of the bucket. */
const ON_BUCKET: ReadonlyMap<S3Action, AclPermission> = new Map([
  ["s3:ListBucket", "READ"],
  ["s3:ListBucketVersions", "READ"],
  ["s3:ListBucketMultipartUploads", "READ"],
  ["s3:PutObject", "WRITE"],
  ["s3:DeleteObject", "WRITE"],
  ["s3:GetBucketAcl", "READ_ACP"],
  ["s3:PutBucketAcl", "WRITE_ACP"],
]);

/** On the list of the object. */
const ON_OBJECT: ReadonlyMap<S3Action, AclPermission> = new Map([
  ["s3:GetObject", "READ"],
  ["s3:GetObjectVersion", "READ"],
  ["s3:GetObjectAcl", "READ_ACP"],
  ["s3:GetObjectVersionAcl", "READ_ACP"],
  ["s3:PutObjectAcl", "WRITE_ACP"],
  ["s3:PutObjectVersionAcl", "WRITE_ACP"],
]);

/**
 * What is for the object's owner to allow, who need not be the bucket's: its bytes and what is said of them. Writing and
 * deleting objects, tagging and locking them, is for the owner of the bucket.
 */
const OF_OBJECT_OWNER: ReadonlySet<S3Action> = new Set([
  ...ON_OBJECT.keys(),
  "s3:GetObjectAttributes",
  "s3:GetObjectVersionAttributes",
]);

export function bucketPermissionOf(action: S3Action): AclPermission | undefined {
  return ON_BUCKET.get(action);
}

export function objectPermissionOf(action: S3Action): AclPermission | undefined {
  return ON_OBJECT.get(action);
}

export function isForObjectOwner(action: S3Action): boolean {
  return OF_OBJECT_OWNER.has(action);
}
