// GetObjectLegalHold: whether a version is held.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html

import { S3Error } from "../../core/s3-error.ts";
import { getObjectVersion } from "../absent-version.ts";
import { requireLock } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import { versionIdParam } from "../version-id.ts";

export const getObjectLegalHold = defineOperation({
  name: "GetObjectLegalHold",
  route: { method: "GET", target: "object", query: ["legal-hold"] },
  action: "s3:GetObjectLegalHold",

  parse: ({ query }) => ({ versionId: versionIdParam(query) }),

  async handle(context, { versionId }) {
    const { bucket, key } = context;
    requireLock(bucket);
    const { legalHold } = (await getObjectVersion(context, { bucket, key, versionId })).lock;
    if (legalHold === undefined) throw new S3Error("NoSuchObjectLockConfiguration");
    return xmlResponse("LegalHold", { Status: legalHold ? "ON" : "OFF" });
  },
});
