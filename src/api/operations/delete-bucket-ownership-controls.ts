// DeleteBucketOwnershipControls: objects are their writers', and access control lists in force.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketOwnershipControls.html

import { OWNERSHIP } from "../access/ownership.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketOwnershipControls = defineOperation({
  name: "DeleteBucketOwnershipControls",
  route: { method: "DELETE", target: "bucket", query: ["ownershipControls"] },
  action: "s3:PutBucketOwnershipControls",
  parse: () => undefined,

  async handle({ store, bucket }) {
    await store.putBucketConfig(bucket, OWNERSHIP.name, undefined);
    return emptyResponse(204);
  },
});
