// PutObjectRetention: until when a version may not be deleted. Without a mode and a date it takes the retention away.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html

import { S3Error } from "../../core/s3-error.ts";
import type { Retention } from "../../store/records.ts";
import { getObjectVersion } from "../absent-version.ts";
import {
  asksForBypass,
  isLockMode,
  parseIsoTime,
  requireFuture,
  requireLock,
} from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { versionIdParam } from "../version-id.ts";
import { findElementText, parseXml, refuseOthers } from "../xml/parse.ts";

export const putObjectRetention = defineOperation({
  name: "PutObjectRetention",
  route: { method: "PUT", target: "object", query: ["retention"] },
  action: "s3:PutObjectRetention",
  body: "xml",
  brings: "lock",
  isDigestRequired: true,

  parse: ({ headers, query, xml }) => ({
    versionId: versionIdParam(query),
    retention: parseRetention(xml),
    isBypassing: asksForBypass(headers),
  }),

  async handle(context, { versionId, retention, isBypassing }) {
    const { store, bucket, key, clock } = context;
    const brought = { versionId, requestLock: { retention, legalHold: undefined } };
    await context.require("s3:PutObjectRetention", brought);
    requireLock(bucket);
    requireFuture(retention, clock.now());
    const object = await getObjectVersion(context, { bucket, key, versionId });
    const mayBypass =
      isBypassing && (await context.allows("s3:BypassGovernanceRetention", brought));
    await store.putRetention({ bucket, key, versionId: object.versionId }, retention, mayBypass);
    return emptyResponse(200);
  },
});

function parseRetention(xml: string): Retention | undefined {
  const root = parseXml(xml, "Retention");
  refuseOthers(root, ["Mode", "RetainUntilDate"]);
  const mode = findElementText(root, "Mode")?.trim();
  const date = findElementText(root, "RetainUntilDate")?.trim();
  if (mode === undefined && date === undefined) return undefined;
  const until = parseIsoTime(date ?? "");
  if (mode === undefined || !isLockMode(mode) || until === undefined) {
    throw new S3Error("MalformedXML");
  }
  return { mode, until };
}
