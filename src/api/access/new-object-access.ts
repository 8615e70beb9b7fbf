// Whose a new object is, and who may read it: what the request says, as far as the bucket's ownership lets it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

import { isAnonymous } from "../../core/account.ts";
import type { AccountId } from "../../core/ids.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { DocumentKind } from "../bucket-settings.ts";
import type { OperationContext, S3Action } from "../operation.ts";
import { accessDenied } from "./access-denied.ts";
import { isPublicAcl, writeAcl } from "./acl.ts";
import type { Grant } from "./acl.ts";
import { grantsOf, isBucketOwnersAlone, readAclHeaders } from "./acl-request.ts";
import { ownershipOf } from "./ownership.ts";
import { PUBLIC_ACCESS_BLOCK } from "./public-access-block.ts";

export interface NewObjectAccess {
  readonly ownerId: AccountId;
  /** As ObjectRecord.acl. */
  readonly acl: string | undefined;
}

/**
 * There once an object of another account was written into the bucket: only then must a decision look at whose an object
 * is. Never removed.
 */
export const OTHERS_OBJECTS: DocumentKind<true> = { name: "othersObjects", parse: () => true };

/**
 * @throws S3Error AccessControlListNotSupported, AccessDenied (a public list where those are blocked, or a denied
 *   s3:PutObjectAcl), and as `readAclHeaders`
 */
export async function newObjectAccess(context: OperationContext): Promise<NewObjectAccess> {
  const { account, accounts, bucket, request, settings } = context;
  const ownership = await ownershipOf(settings, bucket);
  const given = readAclHeaders(request.headers, accounts);
  if (ownership === "BucketOwnerEnforced") {
    const owners = { owner: account.id, bucketOwner: bucket.ownerId };
    if (given !== undefined && !isBucketOwnersAlone(given, owners)) {
      throw new S3Error("AccessControlListNotSupported");
    }
    return { ownerId: bucket.ownerId, acl: undefined };
  }
  const isHandedOver =
    ownership === "BucketOwnerPreferred" &&
    given?.kind === "canned" &&
    given.name === "bucket-owner-full-control";
  const ownerId = isHandedOver ? bucket.ownerId : account.id;
  if (given !== undefined) {
    await context.refuseIfDenied("s3:PutObjectAcl");
    // Another account could change the list afterwards, as the owner of what it wrote. Nobody in particular could not.
    if (isAnonymous(account)) await context.require("s3:PutObjectAcl", { isNew: true });
  }
  const grants = grantsOf(given, { owner: ownerId, bucketOwner: bucket.ownerId });
  await refusePublicAcl(context, bucket, grants, "s3:PutObject");
  if (ownerId !== bucket.ownerId) await noteOthersObjects(context, bucket);
  return { ownerId, acl: writeAcl(grants, ownerId) };
}

/** @throws S3Error AccessDenied for a list that is open to everybody where the bucket blocks those */
export async function refusePublicAcl(
  { account, key, settings }: Pick<OperationContext, "account" | "key" | "settings">,
  bucket: BucketView,
  grants: readonly Grant[],
  action: S3Action,
): Promise<void> {
  if (!isPublicAcl(grants)) return;
  const block = await settings.find(bucket, PUBLIC_ACCESS_BLOCK);
  if (block?.BlockPublicAcls !== true) return;
  throw accessDenied({ account, action, bucket, key }, "publicAcls");
}

/** Before the object is there: a mark too many costs a read now and then, one too few would give away what it guards. */
async function noteOthersObjects(
  { settings, store }: OperationContext,
  bucket: BucketView,
): Promise<void> {
  if ((await settings.find(bucket, OTHERS_OBJECTS)) !== undefined) return;
  await store.putBucketConfig(bucket, OTHERS_OBJECTS.name, "1");
}
