// PutBucketAccelerateConfiguration: kept and shown. There are no edge locations here: a bucket that is accelerated is
// served as fast as any other, at the same address.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAccelerateConfiguration.html

import { S3Error } from "../../core/s3-error.ts";
import { ACCELERATION_DOCUMENT, parseAcceleration } from "../acceleration.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putBucketAccelerateConfiguration = defineOperation({
  name: "PutBucketAccelerateConfiguration",
  route: { method: "PUT", target: "bucket", query: ["accelerate"] },
  action: "s3:PutAccelerateConfiguration",
  body: "xml",
  partly: "kept and shown; there are no edge locations",
  parse: ({ xml }) => parseAcceleration(xml),
  async handle({ store, bucket }, status) {
    if (bucket.name.includes(".")) {
      throw new S3Error("InvalidRequest", {
        message:
          "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
      });
    }
    await store.putBucketConfig(bucket, ACCELERATION_DOCUMENT.name, status);
    return emptyResponse(200);
  },
});
