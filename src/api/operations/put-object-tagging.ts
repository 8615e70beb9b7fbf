// PutObjectTagging: replaces all tags of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html

import { defineOperation } from "../operation.ts";
import { findText } from "../params.ts";
import { emptyResponse } from "../response.ts";
import { parseTagging } from "../tags.ts";
import { checkVersionId } from "../version-id.ts";

export const putObjectTagging = defineOperation({
  name: "PutObjectTagging",
  route: { method: "PUT", target: "object", query: ["tagging"] },
  action: "s3:PutObjectTagging",
  body: "xml",

  parse: ({ query, xml }) => ({
    versionId: findText(query, "versionId"),
    tags: parseTagging(xml, "object"),
  }),

  async handle({ store, bucket, key }, { versionId, tags }) {
    checkVersionId(versionId, key);
    await store.putObjectTags(bucket, key, tags);
    return emptyResponse(200);
  },
});
