// GetBucketEncryption: the default encryption of a bucket.
// Differs from AWS: a bucket for which none was set has none, where S3 encrypts with AES256 since 2023.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html

import { S3Error } from "../../core/s3-error.ts";
import { BUCKET_ENCRYPTION, bucketEncryptionElements } from "../bucket-encryption.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketEncryption = defineOperation({
  name: "GetBucketEncryption",
  route: { method: "GET", target: "bucket", query: ["encryption"] },
  action: "s3:GetEncryptionConfiguration",
  parse: () => undefined,
  async handle({ settings, bucket, bucketName }) {
    const encryption = await settings.find(bucket, BUCKET_ENCRYPTION);
    if (encryption === undefined) {
      throw new S3Error("ServerSideEncryptionConfigurationNotFoundError", {
        detail: { BucketName: bucketName },
      });
    }
    return xmlResponse("ServerSideEncryptionConfiguration", bucketEncryptionElements(encryption));
  },
});
