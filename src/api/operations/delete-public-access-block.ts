// DeletePublicAccessBlock: blocks nothing any more; where nothing was blocked that is no error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletePublicAccessBlock.html

import { PUBLIC_ACCESS_BLOCK } from "../access/public-access-block.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deletePublicAccessBlock = defineOperation({
  name: "DeletePublicAccessBlock",
  route: { method: "DELETE", target: "bucket", query: ["publicAccessBlock"] },
  action: "s3:PutBucketPublicAccessBlock",
  parse: () => undefined,

  async handle({ store, bucket }) {
    await store.putBucketConfig(bucket, PUBLIC_ACCESS_BLOCK.name, undefined);
    return emptyResponse(204);
  },
});
