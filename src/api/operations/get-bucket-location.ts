// GetBucketLocation: the region of a bucket; empty for us-east-1.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html

import { getLocation } from "../bucket-location.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketLocation = defineOperation({
  name: "GetBucketLocation",
  route: { method: "GET", target: "bucket", query: ["location"] },
  action: "s3:GetBucketLocation",
  parse: () => undefined,
  handle: async ({ store, bucket }) =>
    xmlResponse("LocationConstraint", await getLocation(store, bucket)),
});
