// GetBucketAccelerateConfiguration: what was put; empty where nothing ever was.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAccelerateConfiguration.html

import { ACCELERATION_DOCUMENT } from "../acceleration.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketAccelerateConfiguration = defineOperation({
  name: "GetBucketAccelerateConfiguration",
  route: { method: "GET", target: "bucket", query: ["accelerate"] },
  action: "s3:GetAccelerateConfiguration",
  parse: () => undefined,
  async handle({ settings, bucket }) {
    const status = await settings.find(bucket, ACCELERATION_DOCUMENT);
    return xmlResponse("AccelerateConfiguration", { Status: status });
  },
});
