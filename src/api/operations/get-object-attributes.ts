// GetObjectAttributes: those facts of an object that the request names, its parts among them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html

import { PAGE_SIZE_MAX } from "../../core/limits.ts";
import type { ObjectRecord } from "../../store/records.ts";
import { getObjectVersion } from "../absent-version.ts";
import { checksumElements, partChecksumElements } from "../checksum-headers.ts";
import { renderHttpDate } from "../headers.ts";
import { readCustomerKey } from "../encryption-headers.ts";
import type { Headers } from "../headers.ts";
import { versionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import type { OperationContext } from "../operation.ts";
import { invalidArgument } from "../params.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { xmlResponse } from "../response.ts";
import { actionByVersion, versionIdParam } from "../version-id.ts";
import type { XmlElements } from "../xml/render.ts";

type Attribute = "Checksum" | "ETag" | "ObjectParts" | "ObjectSize" | "StorageClass";

const ATTRIBUTES: ReadonlySet<string> = new Set<Attribute>([
  "Checksum",
  "ETag",
  "ObjectParts",
  "ObjectSize",
  "StorageClass",
]);

interface PartsPage {
  readonly after: number;
  readonly limit: number;
}

export const getObjectAttributes = defineOperation({
  name: "GetObjectAttributes",
  route: { method: "GET", target: "object", query: ["attributes"] },
  action: actionByVersion("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),

  parse: ({ headers, query }) => {
    refuseHeaders(headers, "read");
    return {
      versionId: versionIdParam(query),
      customerKey: readCustomerKey(headers),
      attributes: parseAttributes(headers),
      after: intHeader(headers, "x-amz-part-number-marker", 0),
      limit: Math.min(intHeader(headers, "x-amz-max-parts", PAGE_SIZE_MAX), PAGE_SIZE_MAX),
    };
  },

  async handle(context, input) {
    const { bucket, key } = context;
    await context.require(input.versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion");
    const object = await getObjectVersion(context, { bucket, key, versionId: input.versionId });
    context.store.checkCustomerKey(bucket, object, input.customerKey);
    const wants = (attribute: Attribute) => input.attributes.has(attribute);
    const content = {
      // Here alone an ETag goes without its quotes.
      ETag: wants("ETag") ? object.etag : undefined,
      Checksum:
        wants("Checksum") && object.checksum ? checksumElements(object.checksum) : undefined,
      ObjectParts: wants("ObjectParts") ? await renderParts(context, object, input) : undefined,
      StorageClass: wants("StorageClass") ? object.storageClass : undefined,
      ObjectSize: wants("ObjectSize") ? object.sizeBytes : undefined,
    };
    return xmlResponse("GetObjectAttributesResponse", content, {
      headers: {
        "last-modified": renderHttpDate(object.modifiedAt),
        ...versionHeaders(bucket, object),
      },
    });
  },
});

/** @throws S3Error InvalidArgument for none, and for one that S3 does not know. */
function parseAttributes(headers: Headers): ReadonlySet<string> {
  const name = "x-amz-object-attributes";
  const text = headers.get(name) ?? "";
  const wanted = text.split(",").map((attribute) => attribute.trim());
  if (!wanted.every((attribute) => ATTRIBUTES.has(attribute))) {
    throw invalidArgument(name, text, "Invalid attribute name specified.");
  }
  return new Set(wanted);
}

/** @throws S3Error InvalidArgument for what is not a whole number. */
function intHeader(headers: Headers, name: string, fallback: number): number {
  const text = headers.get(name);
  if (text === undefined || text === "") return fallback;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
}

/** Undefined for an object that was not uploaded in parts. */
async function renderParts(
  { store }: OperationContext,
  object: ObjectRecord,
  { after, limit }: PartsPage,
): Promise<XmlElements | undefined> {
  if (object.content.kind !== "manifest") return undefined;
  const { parts, isTruncated } =
    limit === 0
      ? { parts: [], isTruncated: false }
      : await store.listObjectParts(object, after, limit);
  return {
    PartsCount: object.content.partCount,
    PartNumberMarker: after,
    NextPartNumberMarker: isTruncated ? parts.at(-1)?.number : undefined,
    MaxParts: limit,
    IsTruncated: isTruncated,
    Part: parts.map((part) => ({
      PartNumber: part.number,
      Size: part.sizeBytes,
      ...partChecksumElements(part.checksums, object.checksum?.algorithm),
    })),
  };
}
