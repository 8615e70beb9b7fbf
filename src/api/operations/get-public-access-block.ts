// GetPublicAccessBlock: which ways of opening the bucket to everybody are blocked.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html

import { S3Error } from "../../core/s3-error.ts";
import { PUBLIC_ACCESS_BLOCK, renderPublicAccessBlock } from "../access/public-access-block.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getPublicAccessBlock = defineOperation({
  name: "GetPublicAccessBlock",
  route: { method: "GET", target: "bucket", query: ["publicAccessBlock"] },
  action: "s3:GetBucketPublicAccessBlock",
  parse: () => undefined,

  async handle({ settings, bucket }) {
    const block = await settings.find(bucket, PUBLIC_ACCESS_BLOCK);
    if (block === undefined) {
      const detail = { BucketName: bucket.name };
      throw new S3Error("NoSuchPublicAccessBlockConfiguration", { detail });
    }
    return xmlResponse("PublicAccessBlockConfiguration", renderPublicAccessBlock(block));
  },
});
