// DeleteBucketLifecycle: from then on nothing in the bucket expires.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html

import { LIFECYCLE_DOCUMENT } from "../lifecycle/lifecycle-document.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketLifecycle = defineOperation({
  name: "DeleteBucketLifecycle",
  route: { method: "DELETE", target: "bucket", query: ["lifecycle"] },
  action: "s3:PutLifecycleConfiguration",
  parse: () => undefined,
  async handle({ store, bucket }) {
    await store.putBucketConfig(bucket, LIFECYCLE_DOCUMENT.name, undefined);
    return emptyResponse(204);
  },
});
