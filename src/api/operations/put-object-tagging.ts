// PutObjectTagging: replaces all tags of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html

import { getObjectVersion } from "../absent-version.ts";
import { versionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { parseTagging } from "../tags.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";

export const putObjectTagging = defineOperation({
  name: "PutObjectTagging",
  route: { method: "PUT", target: "object", query: ["tagging"] },
  action: actionByVersion("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
  body: "xml",
  brings: "tags",

  parse: ({ query, xml }) => ({
    versionId: versionIdParam(query),
    tags: parseTagging(xml, "object"),
  }),

  async handle(context, { versionId, tags }) {
    const { store, bucket, key } = context;
    const named = versionId === undefined ? "s3:PutObjectTagging" : "s3:PutObjectVersionTagging";
    await context.require(named, { versionId, requestTags: tags });
    const object = await getObjectVersion(context, { bucket, key, versionId });
    // What is the latest version may change; the answer must name the one that was tagged.
    await store.putObjectTags(
      { bucket, key, versionId: object.versionId, sequence: object.sequence },
      tags,
    );
    return emptyResponse(200, versionHeaders(bucket, object));
  },
});
