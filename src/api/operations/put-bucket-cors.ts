// PutBucketCors: replaces the rules by which pages of other origins may use a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html

import {
  CORS_DOCUMENT,
  parseCorsConfiguration,
  renderCorsDocument,
} from "../cors/cors-document.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putBucketCors = defineOperation({
  name: "PutBucketCors",
  route: { method: "PUT", target: "bucket", query: ["cors"] },
  action: "s3:PutBucketCORS",
  body: "xml",
  isDigestRequired: true,
  parse: ({ xml }) => parseCorsConfiguration(xml),
  async handle({ store, bucket }, rules) {
    await store.putBucketConfig(bucket, CORS_DOCUMENT.name, renderCorsDocument(rules));
    return emptyResponse(200);
  },
});
