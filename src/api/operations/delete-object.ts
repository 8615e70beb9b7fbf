// DeleteObject: removes a key; one that is not there is no error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html

import { defineOperation } from "../operation.ts";
import { findText } from "../params.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { emptyResponse } from "../response.ts";
import { checkVersionId } from "../version-id.ts";

export const deleteObject = defineOperation({
  name: "DeleteObject",
  route: { method: "DELETE", target: "object" },
  action: "s3:DeleteObject",

  parse: ({ headers, query }) => {
    refuseHeaders(headers, "delete");
    return { versionId: findText(query, "versionId") };
  },

  async handle({ store, bucket, key }, { versionId }) {
    checkVersionId(versionId, key);
    await store.deleteObjects(bucket, [key]);
    return emptyResponse(204, versionId === undefined ? {} : { "x-amz-version-id": versionId });
  },
});
