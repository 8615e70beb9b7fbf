// DeleteBucketEncryption: removes the default encryption of a bucket; what is encrypted stays so.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html

import { BUCKET_ENCRYPTION } from "../bucket-encryption.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const deleteBucketEncryption = defineOperation({
  name: "DeleteBucketEncryption",
  route: { method: "DELETE", target: "bucket", query: ["encryption"] },
  action: "s3:PutEncryptionConfiguration",
  parse: () => undefined,
  async handle({ store, bucket }) {
    await store.putBucketConfig(bucket, BUCKET_ENCRYPTION.name, undefined);
    return emptyResponse(204);
  },
});
