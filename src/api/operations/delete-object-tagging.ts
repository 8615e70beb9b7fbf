// DeleteObjectTagging: removes all tags of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html

import { defineOperation } from "../operation.ts";
import { findText } from "../params.ts";
import { emptyResponse } from "../response.ts";
import { checkVersionId } from "../version-id.ts";

export const deleteObjectTagging = defineOperation({
  name: "DeleteObjectTagging",
  route: { method: "DELETE", target: "object", query: ["tagging"] },
  action: "s3:DeleteObjectTagging",

  parse: ({ query }) => ({ versionId: findText(query, "versionId") }),

  async handle({ store, bucket, key }, { versionId }) {
    checkVersionId(versionId, key);
    await store.putObjectTags(bucket, key, []);
    return emptyResponse(204);
  },
});
