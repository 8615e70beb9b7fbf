// A refusal that says why, in AWS's words. For the owner of the bucket alone, who may read its documents anyway: everybody
// else hears that access is denied, and no more.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html

import { principalArn } from "../../core/account.ts";
import type { Account } from "../../core/account.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { S3Action } from "../operation.ts";

/** What stands in the way of the owner. */
export const DENIAL_REASONS = {
  bucketPolicy: "with an explicit deny in a resource-based policy",
  publicAcls:
    "because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting.",
  publicPolicies:
    "because public policies are blocked by the BlockPublicPolicy block public access setting.",
} as const;

export interface Denial {
  readonly account: Account;
  readonly action: S3Action;
  readonly bucket: BucketView;
  /** Empty: the bucket itself. */
  readonly key: string;
}

/** AccessDenied, with the reason where it is the bucket's owner who hears it. */
export function accessDenied(denial: Denial, reason: keyof typeof DENIAL_REASONS): S3Error {
  const { account, action, bucket, key } = denial;
  if (account.id !== bucket.ownerId) return new S3Error("AccessDenied");
  const user = principalArn(account) ?? "";
  const words = `is not authorized to perform: ${action} on resource: "${resourceArn(bucket, key)}"`;
  return new S3Error("AccessDenied", {
    message: `User: ${user} ${words} ${DENIAL_REASONS[reason]}`,
  });
}

/** How policies name the bucket, or an object in it. */
export function resourceArn(bucket: Pick<BucketView, "name">, key: string): string {
  return `arn:aws:s3:::${bucket.name}${key === "" ? "" : `/${key}`}`;
}
