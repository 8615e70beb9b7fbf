// GetBucketPolicy: the policy of the bucket, as it was put.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html

import { S3Error } from "../../core/s3-error.ts";
import { BUCKET_POLICY, requireBucketOwner } from "../access/bucket-policy.ts";
import { defineOperation } from "../operation.ts";

export const getBucketPolicy = defineOperation({
  name: "GetBucketPolicy",
  route: { method: "GET", target: "bucket", query: ["policy"] },
  action: "s3:GetBucketPolicy",
  parse: () => undefined,

  async handle(context) {
    const { store, bucket } = context;
    requireBucketOwner(context);
    // The text alone: one that can no longer be read must still be there to be repaired.
    const body = await store.findBucketConfig(bucket, BUCKET_POLICY.name);
    if (body === undefined) {
      throw new S3Error("NoSuchBucketPolicy", { detail: { BucketName: bucket.name } });
    }
    return { status: 200, headers: { "content-type": "application/json" }, body };
  },
});
