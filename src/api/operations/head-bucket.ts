// HeadBucket: whether a bucket is there and the account may use it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html

import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const headBucket = defineOperation({
  name: "HeadBucket",
  route: { method: "HEAD", target: "bucket" },
  action: "s3:ListBucket",
  parse: () => undefined,
  handle: async ({ bucket }) =>
    emptyResponse(200, {
      "content-type": "application/xml",
      "x-amz-bucket-region": bucket.region,
      "x-amz-access-point-alias": "false",
    }),
});
