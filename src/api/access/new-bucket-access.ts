// The documents that a new bucket begins with: its ownership, what is blocked, its access control list.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

import type { AccountDirectory } from "../../auth/account-directory.ts";
import type { AccountId } from "../../core/ids.ts";
import { S3Error } from "../../core/s3-error.ts";
import { BUCKET_ACL, isPublicAcl, ownersAlone, writeAcl } from "./acl.ts";
import type { Grant } from "./acl.ts";
import { cannedGrants, readAclHeaders } from "./acl-request.ts";
import type { GivenAcl } from "./acl-request.ts";
import { OWNERSHIP, readOwnershipHeader } from "./ownership.ts";
import { ALL_BLOCKED, PUBLIC_ACCESS_BLOCK, writePublicAccessBlock } from "./public-access-block.ts";

/**
 * How buckets are made whose maker does not say otherwise. "blocked": as S3 makes them since April 2023, with access
 * control lists out of force and all public access blocked; "acls": as it did before, and as older applications expect.
 */
export type NewBuckets = "acls" | "blocked";

/** Documents by name, as they are kept. */
export type BucketDocuments = Readonly<Record<string, string>>;

export interface NewBucketRequest {
  readonly headers: ReadonlyMap<string, string>;
  readonly owner: AccountId;
  readonly accounts: AccountDirectory;
  readonly newBuckets: NewBuckets;
}

/**
 * @throws S3Error InvalidArgument, InvalidBucketAclWithObjectOwnership, InvalidBucketAclWithBlockPublicAccessError, and as
 *   `readAclHeaders`
 */
export function newBucketDocuments(request: NewBucketRequest): BucketDocuments {
  const { headers, owner, accounts, newBuckets } = request;
  const isBlocked = newBuckets === "blocked";
  const ownership = readOwnershipHeader(headers) ?? (isBlocked ? "BucketOwnerEnforced" : undefined);
  const grants = grantsOfBucket(readAclHeaders(headers, accounts), owner);
  const acl = writeAcl(grants, owner);
  if (ownership === "BucketOwnerEnforced" && acl !== undefined) {
    throw new S3Error("InvalidBucketAclWithObjectOwnership");
  }
  if (isBlocked && isPublicAcl(grants)) {
    throw new S3Error("InvalidBucketAclWithBlockPublicAccessError");
  }
  return {
    ...(ownership === undefined ? {} : { [OWNERSHIP.name]: ownership }),
    ...(acl === undefined ? {} : { [BUCKET_ACL.name]: acl }),
    ...(isBlocked ? { [PUBLIC_ACCESS_BLOCK.name]: writePublicAccessBlock(ALL_BLOCKED) } : {}),
  };
}

/** The canned lists that are for objects say nothing of a bucket. */
function grantsOfBucket(given: GivenAcl | undefined, owner: AccountId): readonly Grant[] {
  if (given === undefined) return ownersAlone(owner);
  if (given.kind === "grants") return given.grants;
  return cannedGrants(given.name, { owner, bucketOwner: owner });
}
