// PutBucketAcl: replaces the access control list of a bucket, by a canned one, by grants in headers, or by a document.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html

import { refuseWithoutLists } from "../access/acl-in-force.ts";
import { requestedGrants } from "../access/acl-request.ts";
import { BUCKET_ACL, writeAcl } from "../access/acl.ts";
import { refusePublicAcl } from "../access/new-object-access.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putBucketAcl = defineOperation({
  name: "PutBucketAcl",
  route: { method: "PUT", target: "bucket", query: ["acl"] },
  action: "s3:PutBucketAcl",
  body: "xml",
  parse: ({ headers, xml }) => ({ headers, xml }),

  async handle(context, input) {
    const { store, bucket, accounts } = context;
    const { ownerId } = bucket;
    await refuseWithoutLists(context);
    const grants = requestedGrants(input, { owner: ownerId, bucketOwner: ownerId }, accounts);
    await refusePublicAcl(context, bucket, grants, "s3:PutBucketAcl");
    await store.putBucketConfig(bucket, BUCKET_ACL.name, writeAcl(grants, ownerId));
    return emptyResponse(200);
  },
});
