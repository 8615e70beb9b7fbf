// DeleteObjects: removes up to a thousand keys, with a verdict for each.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html

import { DELETE_KEYS_MAX, KEY_BYTES_MAX } from "../../core/limits.ts";
import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { xmlResponse } from "../response.ts";
import { NULL_VERSION } from "../version-id.ts";
import {
  findElementText,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
} from "../xml/parse.ts";
import type { XmlElement } from "../xml/parse.ts";

interface Entry {
  readonly key: string;
  readonly versionId: string | undefined;
  /** Why this key stays, found without looking for it. */
  readonly refusal: S3Error | undefined;
}

/** Conditions of a key's deletion: one that is not tried must stop the deletion. */
const CONDITIONS = ["ETag", "LastModifiedTime", "Size"] as const;

export const deleteObjects = defineOperation({
  name: "DeleteObjects",
  route: { method: "POST", target: "bucket", query: ["delete"] },
  action: "s3:DeleteObject",
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
    };
  },

  async handle({ store, bucket }, { entries, isQuiet }) {
    const accepted = entries.filter((entry) => entry.refusal === undefined);
    if (accepted.length > 0) {
      await store.deleteObjects(
        bucket,
        accepted.map((entry) => entry.key),
      );
    }
    const deleted = accepted.map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
    return xmlResponse("DeleteResult", {
      Deleted: isQuiet ? [] : deleted,
      Error: entries.flatMap(({ key, versionId, refusal }) =>
        refusal === undefined
          ? []
          : [{ Key: key, VersionId: versionId, Code: refusal.code, Message: refusal.message }],
      ),
    });
  },
});

function parseEntry(element: XmlElement): Entry {
  refuseOthers(element, ["Key", "VersionId", ...CONDITIONS]);
  const key = getElementText(element, "Key");
  if (key === "") throw new S3Error("MalformedXML");
  const versionId = findElementText(element, "VersionId") || undefined;
  return { key, versionId, refusal: findRefusal(element, key, versionId) };
}

function findRefusal(
  element: XmlElement,
  key: string,
  versionId: string | undefined,
): S3Error | undefined {
  if (element.children.some((child) => CONDITIONS.some((name) => name === child.name))) {
    return new S3Error("NotImplemented", { message: "Conditional deletes are not implemented." });
  }
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) return new S3Error("KeyTooLongError");
  const isKnownVersion = versionId === undefined || versionId === NULL_VERSION;
  return isKnownVersion ? undefined : new S3Error("NoSuchVersion");
}
