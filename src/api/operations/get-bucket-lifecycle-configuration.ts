// GetBucketLifecycleConfiguration: the rules by which objects of a bucket expire.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html

import { S3Error } from "../../core/s3-error.ts";
import {
  LIFECYCLE_DOCUMENT,
  MINIMUM_SIZE_HEADER,
  renderLifecycleConfiguration,
} from "../lifecycle/lifecycle-document.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketLifecycleConfiguration = defineOperation({
  name: "GetBucketLifecycleConfiguration",
  route: { method: "GET", target: "bucket", query: ["lifecycle"] },
  action: "s3:GetLifecycleConfiguration",
  parse: () => undefined,
  async handle({ settings, bucket }) {
    const lifecycle = await settings.find(bucket, LIFECYCLE_DOCUMENT);
    if (lifecycle === undefined) {
      throw new S3Error("NoSuchLifecycleConfiguration", { detail: { BucketName: bucket.name } });
    }
    const content = renderLifecycleConfiguration(lifecycle.rules);
    const headers = { [MINIMUM_SIZE_HEADER]: lifecycle.minimumSize };
    return xmlResponse("LifecycleConfiguration", content, { headers });
  },
});
