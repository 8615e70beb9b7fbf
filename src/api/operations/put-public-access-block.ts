// PutPublicAccessBlock: blocks ways of opening the bucket to everybody, now and for what is there already.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html

import {
  parsePublicAccessBlock,
  PUBLIC_ACCESS_BLOCK,
  writePublicAccessBlock,
} from "../access/public-access-block.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putPublicAccessBlock = defineOperation({
  name: "PutPublicAccessBlock",
  route: { method: "PUT", target: "bucket", query: ["publicAccessBlock"] },
  action: "s3:PutBucketPublicAccessBlock",
  body: "xml",
  parse: ({ xml }) => parsePublicAccessBlock(xml),

  async handle({ store, bucket }, block) {
    await store.putBucketConfig(bucket, PUBLIC_ACCESS_BLOCK.name, writePublicAccessBlock(block));
    return emptyResponse(200);
  },
});
