// DeleteObject: removes a key, which leaves a delete marker where the bucket has versioning, or one version of it. What is
// not there is no error.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html

import { asksForEtag, parseDeleteCondition, refusalOfOutcome } from "../delete-outcome.ts";
import type { Headers } from "../headers.ts";
import { asksForBypass } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { invalidArgument } from "../params.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { emptyResponse } from "../response.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";

export const deleteObject = defineOperation({
  name: "DeleteObject",
  route: { method: "DELETE", target: "object" },
  action: actionByVersion("s3:DeleteObject", "s3:DeleteObjectVersion"),

  parse: ({ headers, query }) => {
    refuseHeaders(headers, "delete-object");
    return {
      versionId: versionIdParam(query),
      condition: readCondition(headers),
      isBypassing: asksForBypass(headers),
    };
  },

  async handle(context, { versionId, condition, isBypassing }) {
    const { store, bucket, key, account } = context;
    if (asksForEtag(condition)) {
      await context.require(versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion");
    }
    const mayBypassGovernance =
      isBypassing && (await context.allows("s3:BypassGovernanceRetention"));
    const request = { key, versionId, condition, mayBypassGovernance };
    const [outcome] = await store.deleteObjects(bucket, [request], account.id);
    if (outcome === undefined) return emptyResponse(204);
    if (outcome.kind !== "deleted") throw refusalOfOutcome(outcome);
    const shownId = outcome.versionId ?? versionId;
    return emptyResponse(204, {
      ...(shownId === undefined ? {} : { "x-amz-version-id": shownId }),
      ...(outcome.isDeleteMarker ? { "x-amz-delete-marker": "true" } : {}),
    });
  },
});

function readCondition(headers: Headers) {
  const etag = headers.get("if-match");
  const modifiedAt = headers.get("x-amz-if-match-last-modified-time");
  const size = headers.get("x-amz-if-match-size");
  return parseDeleteCondition({ etag, modifiedAt, size }, (value) =>
    invalidArgument("x-amz-if-match", value, "The condition of the delete is not valid"),
  );
}
