// DeleteObjectTagging: removes all tags of an object.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html

import { getObjectVersion } from "../absent-version.ts";
import { versionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";

export const deleteObjectTagging = defineOperation({
  name: "DeleteObjectTagging",
  route: { method: "DELETE", target: "object", query: ["tagging"] },
  action: actionByVersion("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),

  parse: ({ query }) => ({ versionId: versionIdParam(query) }),

  async handle(context, { versionId }) {
    const { store, bucket, key } = context;
    const object = await getObjectVersion(context, { bucket, key, versionId });
    // What is the latest version may change; the answer must name the one that was tagged.
    await store.putObjectTags(
      { bucket, key, versionId: object.versionId, sequence: object.sequence },
      [],
    );
    return emptyResponse(204, versionHeaders(bucket, object));
  },
});
