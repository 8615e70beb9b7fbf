// DeleteBucketTagging: removes all tags of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html

import { putTags } from "../bucket-tags.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketTagging = defineOperation({
  name: "DeleteBucketTagging",
  route: { method: "DELETE", target: "bucket", query: ["tagging"] },
  action: "s3:PutBucketTagging",
  parse: () => undefined,
  async handle({ store, bucket }) {
    await putTags(store, bucket, []);
    return emptyResponse(204);
  },
});
