// GetObjectTagging: the tags of an object, none for one without.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html

import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import { findText } from "../params.ts";
import { xmlResponse } from "../response.ts";
import { renderTagging } from "../tags.ts";
import { checkVersionId } from "../version-id.ts";

export const getObjectTagging = defineOperation({
  name: "GetObjectTagging",
  route: { method: "GET", target: "object", query: ["tagging"] },
  action: "s3:GetObjectTagging",

  parse: ({ query }) => ({ versionId: findText(query, "versionId") }),

  async handle({ store, bucket, key }, { versionId }) {
    checkVersionId(versionId, key);
    const object = await store.findObject(bucket, key);
    if (object === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
    return xmlResponse("Tagging", renderTagging(object.tags.toSorted(byKey)));
  },
});

/** S3 answers in the order of keys, whatever order the tags were given in. */
function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}
