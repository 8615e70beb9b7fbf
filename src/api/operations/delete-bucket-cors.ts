// DeleteBucketCors: from then on pages of other origins get no say.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html

import { CORS_DOCUMENT } from "../cors/cors-document.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketCors = defineOperation({
  name: "DeleteBucketCors",
  route: { method: "DELETE", target: "bucket", query: ["cors"] },
  action: "s3:PutBucketCORS",
  parse: () => undefined,
  async handle({ store, bucket }) {
    await store.putBucketConfig(bucket, CORS_DOCUMENT.name, undefined);
    return emptyResponse(204);
  },
});
