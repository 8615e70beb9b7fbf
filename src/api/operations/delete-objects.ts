// DeleteObjects: removes up to a thousand keys or versions, with a verdict for each.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html

import { DELETE_KEYS_MAX, KEY_BYTES_MAX } from "../../core/limits.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { DeleteCondition, DeleteOutcome, DeleteRequest } from "../../store/records.ts";
import { asksForEtag, parseDeleteCondition, refusalOfOutcome } from "../delete-outcome.ts";
import { asksForBypass } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import type { OperationContext } from "../operation.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { xmlResponse } from "../response.ts";
import { isVersionId } from "../version-id.ts";
import {
  findElementText,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
} from "../xml/parse.ts";
import type { XmlElement } from "../xml/parse.ts";
import type { XmlElements } from "../xml/render.ts";

interface Entry {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly condition: DeleteCondition | undefined;
  /** Why this key stays, found without looking for it. */
  readonly refusal: S3Error | undefined;
}

interface Verdict {
  readonly entry: Entry;
  readonly refusal: S3Error | undefined;
  readonly outcome: DeleteOutcome | undefined;
}

export const deleteObjects = defineOperation({
  name: "DeleteObjects",
  route: { method: "POST", target: "bucket", query: ["delete"] },
  action: "s3:DeleteObject",
  isDecidedInside: true,
  body: "xml",
  isDigestRequired: true,

  parse: ({ headers, xml }) => {
    refuseHeaders(headers, "delete");
    const root = parseXml(xml, "Delete");
    refuseOthers(root, ["Object", "Quiet"]);
    const objects = listElements(root, "Object");
    if (objects.length === 0 || objects.length > DELETE_KEYS_MAX) throw new S3Error("MalformedXML");
    return {
      entries: objects.map(parseEntry),
      isQuiet: findElementText(root, "Quiet")?.trim().toLowerCase() === "true",
      isBypassing: asksForBypass(headers),
    };
  },

  async handle(context, { entries, isQuiet, isBypassing }) {
    const verdicts = await deleteEntries(context, entries, isBypassing);
    return xmlResponse("DeleteResult", {
      Deleted: isQuiet ? [] : verdicts.flatMap(renderDeleted),
      Error: verdicts.flatMap(renderError),
    });
  },
});

/** Each entry on its own: one that is not allowed, or not possible, keeps no other. */
async function deleteEntries(
  context: OperationContext,
  entries: readonly Entry[],
  isBypassing: boolean,
): Promise<readonly Verdict[]> {
  const { store, bucket, account } = context;
  const checked: { readonly entry: Entry; readonly refusal: S3Error | undefined }[] = [];
  const requests: DeleteRequest[] = [];
  for (const entry of entries) {
    // Asked anew for each: the first to be decided about may have shown that there is nothing to decide.
    const isUndisputed = context.isUndisputed();
    const refusal = entry.refusal ?? (isUndisputed ? undefined : await findDenial(context, entry));
    checked.push({ entry, refusal });
    if (refusal !== undefined) continue;
    const { key, versionId, condition } = entry;
    const mayBypassGovernance =
      isBypassing &&
      (isUndisputed ||
        (await context.allows("s3:BypassGovernanceRetention", { bucket, key, versionId })));
    requests.push({ key, versionId, condition, mayBypassGovernance });
  }
  const outcomes =
    requests.length === 0 ? [] : await store.deleteObjects(bucket, requests, account.id);
  let next = 0;
  return checked.map(({ entry, refusal }) => {
    if (refusal !== undefined) return { entry, refusal, outcome: undefined };
    const outcome = outcomes[next];
    next += 1;
    return { entry, outcome, refusal: outcome && refusalOfOutcome(outcome) };
  });
}

async function findDenial(
  { allows, bucket }: OperationContext,
  { key, versionId, condition }: Entry,
): Promise<S3Error | undefined> {
  const target = { bucket, key, versionId };
  const isNamed = versionId !== undefined;
  const mayDelete = await allows(isNamed ? "s3:DeleteObjectVersion" : "s3:DeleteObject", target);
  const mayKnow =
    !asksForEtag(condition) ||
    (await allows(isNamed ? "s3:GetObjectVersion" : "s3:GetObject", target));
  return mayDelete && mayKnow ? undefined : new S3Error("AccessDenied");
}

function renderDeleted({ entry, refusal, outcome }: Verdict): readonly XmlElements[] {
  if (refusal !== undefined || outcome?.kind !== "deleted") return [];
  const { key, versionId } = entry;
  const marker = outcome.isDeleteMarker
    ? { DeleteMarker: true, DeleteMarkerVersionId: outcome.versionId }
    : {};
  return [{ Key: key, VersionId: versionId, ...marker }];
}

function renderError({ entry, refusal }: Verdict): readonly XmlElements[] {
  if (refusal === undefined) return [];
  const { key, versionId } = entry;
  return [{ Key: key, VersionId: versionId, Code: refusal.code, Message: refusal.message }];
}

function parseEntry(element: XmlElement): Entry {
  const [child] = element.children;
  const isBare = element.children.length === 1 && child?.name === "Key";
  if (isBare && child.children.length === 0 && child.text !== "" && element.text.trim() === "") {
    const key = child.text;
    return {
      key,
      versionId: undefined,
      condition: undefined,
      refusal: findRefusal(key, undefined),
    };
  }
  refuseOthers(element, ["Key", "VersionId", "ETag", "LastModifiedTime", "Size"]);
  const key = getElementText(element, "Key");
  if (key === "") throw new S3Error("MalformedXML");
  const versionId = findElementText(element, "VersionId") || undefined;
  const sent = {
    etag: findElementText(element, "ETag"),
    modifiedAt: findElementText(element, "LastModifiedTime"),
    size: findElementText(element, "Size"),
  };
  const condition = parseDeleteCondition(sent, () => new S3Error("MalformedXML"));
  return { key, versionId, condition, refusal: findRefusal(key, versionId) };
}

function findRefusal(key: string, versionId: string | undefined): S3Error | undefined {
  // No character is more than three bytes for each of its units.
  const isLong = key.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(key) > KEY_BYTES_MAX;
  if (isLong) return new S3Error("KeyTooLongError");
  const mayExist = versionId === undefined || isVersionId(versionId);
  return mayExist ? undefined : new S3Error("NoSuchVersion");
}
