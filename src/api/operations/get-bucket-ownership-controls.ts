// GetBucketOwnershipControls: whose the objects are that others write into the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html

import { S3Error } from "../../core/s3-error.ts";
import { OWNERSHIP, renderOwnershipControls } from "../access/ownership.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketOwnershipControls = defineOperation({
  name: "GetBucketOwnershipControls",
  route: { method: "GET", target: "bucket", query: ["ownershipControls"] },
  action: "s3:GetBucketOwnershipControls",
  parse: () => undefined,

  async handle({ settings, bucket }) {
    const ownership = await settings.find(bucket, OWNERSHIP);
    if (ownership === undefined) {
      const detail = { BucketName: bucket.name };
      throw new S3Error("OwnershipControlsNotFoundError", { detail });
    }
    return xmlResponse("OwnershipControls", renderOwnershipControls(ownership));
  },
});
