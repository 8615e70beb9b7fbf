// DeleteBucket: removes a bucket that holds nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html

import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucket = defineOperation({
  name: "DeleteBucket",
  route: { method: "DELETE", target: "bucket" },
  action: "s3:DeleteBucket",
  parse: () => undefined,
  async handle({ store, bucket }) {
    await store.deleteBucket(bucket);
    return emptyResponse(204);
  },
});
