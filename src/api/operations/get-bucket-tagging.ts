// GetBucketTagging: the tags of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html

import { S3Error } from "../../core/s3-error.ts";
import { findTags } from "../bucket-tags.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import { renderTagging } from "../tags.ts";

export const getBucketTagging = defineOperation({
  name: "GetBucketTagging",
  route: { method: "GET", target: "bucket", query: ["tagging"] },
  action: "s3:GetBucketTagging",
  parse: () => undefined,
  async handle({ store, bucket }) {
    const tags = await findTags(store, bucket);
    if (tags === undefined) {
      throw new S3Error("NoSuchTagSet", { detail: { BucketName: bucket.name } });
    }
    return xmlResponse("Tagging", renderTagging(tags));
  },
});
