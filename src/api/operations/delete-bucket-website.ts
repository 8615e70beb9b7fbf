// DeleteBucketWebsite: no bucket is served as a website, and none is afterwards.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketWebsite.html

import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketWebsite = defineOperation({
  name: "DeleteBucketWebsite",
  route: { method: "DELETE", target: "bucket", query: ["website"] },
  action: "s3:DeleteBucketWebsite",
  partly: "there never is one to delete",
  parse: () => undefined,
  handle: async () => emptyResponse(204),
});
