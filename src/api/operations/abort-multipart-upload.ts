// AbortMultipartUpload: ends an upload and frees its parts.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html

import { defineOperation } from "../operation.ts";
import { requiredParam } from "../params.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { emptyResponse } from "../response.ts";

export const abortMultipartUpload = defineOperation({
  name: "AbortMultipartUpload",
  route: { method: "DELETE", target: "object", query: ["uploadId"] },
  action: "s3:AbortMultipartUpload",

  parse: ({ headers, query }) => {
    refuseHeaders(headers, "delete");
    return { uploadId: requiredParam(query, "uploadId") };
  },

  async handle({ store, bucket, key }, { uploadId }) {
    await store.abortUpload(bucket, key, uploadId);
    return emptyResponse(204);
  },
});
