// GetObjectAcl: who was granted what on an object; where lists are not in force, the bucket's owner alone.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html

import { getObjectVersion } from "../absent-version.ts";
import { objectGrants, objectOwner } from "../access/acl-in-force.ts";
import { renderAcl } from "../access/acl-xml.ts";
import { versionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";

export const getObjectAcl = defineOperation({
  name: "GetObjectAcl",
  route: { method: "GET", target: "object", query: ["acl"] },
  action: actionByVersion("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
  parse: ({ query }) => ({ versionId: versionIdParam(query) }),

  async handle(context, { versionId }) {
    const { settings, bucket, key, accounts } = context;
    const object = await getObjectVersion(context, { bucket, key, versionId });
    const owner = await objectOwner(settings, bucket, object);
    const grants = await objectGrants(settings, bucket, object);
    return xmlResponse("AccessControlPolicy", renderAcl(owner, grants, accounts), {
      headers: versionHeaders(bucket, object),
    });
  },
});
