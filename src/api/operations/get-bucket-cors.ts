// GetBucketCors: the rules by which pages of other origins may use a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html

import { S3Error } from "../../core/s3-error.ts";
import { CORS_DOCUMENT, renderCorsConfiguration } from "../cors/cors-document.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketCors = defineOperation({
  name: "GetBucketCors",
  route: { method: "GET", target: "bucket", query: ["cors"] },
  action: "s3:GetBucketCORS",
  parse: () => undefined,
  async handle({ settings, bucket }) {
    const rules = await settings.find(bucket, CORS_DOCUMENT);
    if (rules === undefined) {
      throw new S3Error("NoSuchCORSConfiguration", { detail: { BucketName: bucket.name } });
    }
    return xmlResponse("CORSConfiguration", renderCorsConfiguration(rules));
  },
});
