// DeleteBucketPolicy: without a policy the bucket is its owner's alone again; none is no error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html

import { BUCKET_POLICY, requireBucketOwner } from "../access/bucket-policy.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketPolicy = defineOperation({
  name: "DeleteBucketPolicy",
  route: { method: "DELETE", target: "bucket", query: ["policy"] },
  action: "s3:DeleteBucketPolicy",
  parse: () => undefined,

  async handle(context) {
    requireBucketOwner(context);
    await context.store.putBucketConfig(context.bucket, BUCKET_POLICY.name, undefined);
    return emptyResponse(204);
  },
});
