// GetObjectRetention: until when a version may not be deleted.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html

import { S3Error } from "../../core/s3-error.ts";
import { getObjectVersion } from "../absent-version.ts";
import { requireLock } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import { versionIdParam } from "../version-id.ts";
import { xmlDate } from "../xml/render.ts";

export const getObjectRetention = defineOperation({
  name: "GetObjectRetention",
  route: { method: "GET", target: "object", query: ["retention"] },
  action: "s3:GetObjectRetention",

  parse: ({ query }) => ({ versionId: versionIdParam(query) }),

  async handle(context, { versionId }) {
    const { bucket, key } = context;
    requireLock(bucket);
    const { retention } = (await getObjectVersion(context, { bucket, key, versionId })).lock;
    if (retention === undefined) throw new S3Error("NoSuchObjectLockConfiguration");
    const { mode, until } = retention;
    return xmlResponse("Retention", { Mode: mode, RetainUntilDate: xmlDate(until) });
  },
});
