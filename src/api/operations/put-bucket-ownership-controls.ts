// PutBucketOwnershipControls: says whose objects are that others write, and whether access control lists are in force.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html

import { S3Error } from "../../core/s3-error.ts";
import { BUCKET_ACL } from "../access/acl.ts";
import { OWNERSHIP, parseOwnershipControls } from "../access/ownership.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putBucketOwnershipControls = defineOperation({
  name: "PutBucketOwnershipControls",
  route: { method: "PUT", target: "bucket", query: ["ownershipControls"] },
  action: "s3:PutBucketOwnershipControls",
  body: "xml",
  parse: ({ xml }) => parseOwnershipControls(xml),

  async handle({ store, settings, bucket }, ownership) {
    // A list that grants something to others must not go out of force without a word.
    const acl = await settings.find(bucket, BUCKET_ACL);
    const isOthers = (acl ?? []).some(
      ({ grantee }) => grantee.kind === "group" || grantee.id !== bucket.ownerId,
    );
    if (ownership === "BucketOwnerEnforced" && isOthers) {
      throw new S3Error("InvalidBucketAclWithObjectOwnership", {
        detail: { BucketName: bucket.name },
      });
    }
    await store.putBucketConfig(bucket, OWNERSHIP.name, ownership);
    return emptyResponse(200);
  },
});
