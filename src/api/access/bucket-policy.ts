// The policy of a bucket as a decision needs it: parsed once, with what is asked of it for every request worked out.

import { S3Error } from "../../core/s3-error.ts";
import { parsePolicy } from "../../policy/bucket-policy.ts";
import type { BucketPolicy } from "../../policy/bucket-policy.ts";
import { isPublic } from "../../policy/is-public.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { DocumentKind } from "../bucket-settings.ts";
import type { OperationContext } from "../operation.ts";

export interface StoredPolicy {
  /** As it was put. */
  readonly text: string;
  readonly policy: BucketPolicy;
  /** Whether it opens anything to everybody, in AWS's meaning. */
  readonly isPublic: boolean;
}

export const BUCKET_POLICY: DocumentKind<StoredPolicy> = { name: "policy", parse: readPolicy };

/** @throws S3Error MalformedPolicy */
export function readPolicy(text: string, bucket: BucketView): StoredPolicy {
  const policy = parsePolicy(text, { bucketName: bucket.name });
  return { text, policy, isPublic: isPublic(policy) };
}

/**
 * A policy may let other accounts read or change it, and S3 still refuses them so.
 * @throws S3Error MethodNotAllowed
 */
export function requireBucketOwner({ account, bucket }: OperationContext): void {
  if (account.id === bucket.ownerId) return;
  throw new S3Error("MethodNotAllowed", { detail: { ResourceType: "BUCKETPOLICY" } });
}
