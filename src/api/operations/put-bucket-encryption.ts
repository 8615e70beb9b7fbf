// PutBucketEncryption: sets how new objects of a bucket are encrypted that say nothing of it themselves.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html

import {
  BUCKET_ENCRYPTION,
  defaultRequest,
  parseBucketEncryption,
  renderBucketEncryption,
} from "../bucket-encryption.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putBucketEncryption = defineOperation({
  name: "PutBucketEncryption",
  route: { method: "PUT", target: "bucket", query: ["encryption"] },
  action: "s3:PutEncryptionConfiguration",
  body: "xml",
  parse: ({ xml }) => parseBucketEncryption(xml),
  async handle({ store, bucket }, encryption) {
    // A default that cannot be met would have every write refused.
    const byDefault = defaultRequest(encryption);
    await store.requireManagedKeys(byDefault?.kind === "kms" ? byDefault.keyId : undefined);
    await store.putBucketConfig(bucket, BUCKET_ENCRYPTION.name, renderBucketEncryption(encryption));
    return emptyResponse(200);
  },
});
