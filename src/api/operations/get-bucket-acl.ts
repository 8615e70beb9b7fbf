// GetBucketAcl: who was granted what on the bucket; where lists are not in force, the owner alone.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html

import { bucketGrants } from "../access/acl-in-force.ts";
import { renderAcl } from "../access/acl-xml.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketAcl = defineOperation({
  name: "GetBucketAcl",
  route: { method: "GET", target: "bucket", query: ["acl"] },
  action: "s3:GetBucketAcl",
  parse: () => undefined,

  async handle({ settings, bucket, accounts }) {
    const grants = await bucketGrants(settings, bucket);
    return xmlResponse("AccessControlPolicy", renderAcl(bucket.ownerId, grants, accounts));
  },
});
