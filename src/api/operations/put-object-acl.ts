// PutObjectAcl: replaces the access control list of an object, by a canned one, by grants in headers, or by a document.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html

import { getObjectVersion } from "../absent-version.ts";
import { refuseWithoutLists } from "../access/acl-in-force.ts";
import { requestedGrants } from "../access/acl-request.ts";
import { writeAcl } from "../access/acl.ts";
import { refusePublicAcl } from "../access/new-object-access.ts";
import { versionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";

export const putObjectAcl = defineOperation({
  name: "PutObjectAcl",
  route: { method: "PUT", target: "object", query: ["acl"] },
  action: actionByVersion("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
  body: "xml",
  parse: ({ headers, query, xml }) => ({ versionId: versionIdParam(query), headers, xml }),

  async handle(context, { versionId, ...request }) {
    const { store, bucket, key, accounts } = context;
    await refuseWithoutLists(context);
    const object = await getObjectVersion(context, { bucket, key, versionId });
    const { ownerId } = object;
    const owners = { owner: ownerId, bucketOwner: bucket.ownerId };
    const grants = requestedGrants(request, owners, accounts);
    await refusePublicAcl(context, bucket, grants, "s3:PutObjectAcl");
    // What is the latest version may change; the list is for the one that was looked at.
    const version = { bucket, key, versionId: object.versionId, sequence: object.sequence };
    await store.putObjectAcl(version, writeAcl(grants, ownerId));
    return emptyResponse(200, versionHeaders(bucket, object));
  },
});
