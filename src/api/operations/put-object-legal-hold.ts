// PutObjectLegalHold: keeps a version from being deleted for as long as the hold stands, or ends that.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html

import { S3Error } from "../../core/s3-error.ts";
import { getObjectVersion } from "../absent-version.ts";
import { requireLock } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { versionIdParam } from "../version-id.ts";
import { getElementText, parseXml, refuseOthers } from "../xml/parse.ts";

export const putObjectLegalHold = defineOperation({
  name: "PutObjectLegalHold",
  route: { method: "PUT", target: "object", query: ["legal-hold"] },
  action: "s3:PutObjectLegalHold",
  body: "xml",
  brings: "lock",
  isDigestRequired: true,

  parse: ({ query, xml }) => ({ versionId: versionIdParam(query), isOn: parseHold(xml) }),

  async handle(context, { versionId, isOn }) {
    const { store, bucket, key } = context;
    const brought = { versionId, requestLock: { retention: undefined, legalHold: isOn } };
    await context.require("s3:PutObjectLegalHold", brought);
    requireLock(bucket);
    const object = await getObjectVersion(context, { bucket, key, versionId });
    await store.putLegalHold({ bucket, key, versionId: object.versionId }, isOn);
    return emptyResponse(200);
  },
});

function parseHold(xml: string): boolean {
  const root = parseXml(xml, "LegalHold");
  refuseOthers(root, ["Status"]);
  const status = getElementText(root, "Status").trim();
  if (status !== "ON" && status !== "OFF") throw new S3Error("MalformedXML");
  return status === "ON";
}
