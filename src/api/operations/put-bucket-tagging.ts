// PutBucketTagging: replaces the tags of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html

import { putTags } from "../bucket-tags.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { parseTagging } from "../tags.ts";

export const putBucketTagging = defineOperation({
  name: "PutBucketTagging",
  route: { method: "PUT", target: "bucket", query: ["tagging"] },
  action: "s3:PutBucketTagging",
  body: "xml",
  parse: ({ xml }) => parseTagging(xml, "bucket"),
  async handle({ store, bucket }, tags) {
    await putTags(store, bucket, tags);
    return emptyResponse(204);
  },
});
