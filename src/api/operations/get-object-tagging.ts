// GetObjectTagging: the tags of an object, none for one without.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html

import { getObjectVersion } from "../absent-version.ts";
import { versionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import { renderTagging } from "../tags.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";

export const getObjectTagging = defineOperation({
  name: "GetObjectTagging",
  route: { method: "GET", target: "object", query: ["tagging"] },
  action: actionByVersion("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),

  parse: ({ query }) => ({ versionId: versionIdParam(query) }),

  async handle(context, { versionId }) {
    const { bucket, key } = context;
    const object = await getObjectVersion(context, { bucket, key, versionId });
    return xmlResponse("Tagging", renderTagging(object.tags.toSorted(byKey)), {
      headers: versionHeaders(bucket, object),
    });
  },
});

/** S3 answers in the order of keys, whatever order the tags were given in. */
function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}
