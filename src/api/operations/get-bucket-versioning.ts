// GetBucketVersioning: says nothing of a bucket that never had versioning.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html

import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

const STATUS = { enabled: "Enabled", off: undefined, suspended: "Suspended" } as const;

export const getBucketVersioning = defineOperation({
  name: "GetBucketVersioning",
  route: { method: "GET", target: "bucket", query: ["versioning"] },
  action: "s3:GetBucketVersioning",
  parse: () => undefined,
  async handle({ bucket }) {
    return xmlResponse("VersioningConfiguration", { Status: STATUS[bucket.versioning] });
  },
});
