// DeleteBucketReplication: no bucket is replicated, and none is afterwards.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketReplication.html

import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketReplication = defineOperation({
  name: "DeleteBucketReplication",
  route: { method: "DELETE", target: "bucket", query: ["replication"] },
  action: "s3:PutReplicationConfiguration",
  partly: "there never is one to delete",
  parse: () => undefined,
  handle: async () => emptyResponse(204),
});
