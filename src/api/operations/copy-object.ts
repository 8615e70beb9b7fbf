// CopyObject: makes an object from another one, with its metadata and tags or with new ones.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

import { S3Error } from "../../core/s3-error.ts";
import type { NewObject } from "../../store/object-store.ts";
import type { ObjectRecord } from "../../store/records.ts";
import type { NewObjectAccess } from "../access/new-object-access.ts";
import { checksumElements, findRequestedAlgorithm } from "../checksum-headers.ts";
import { readWriteCondition } from "../conditions.ts";
import { parseCopySource } from "../copy-source.ts";
import { asksForEncryption, encryptionHeaders, keyOf } from "../encryption-headers.ts";
import { readAttributes } from "../headers.ts";
import type { Headers } from "../headers.ts";
import { expirationHeaders } from "../lifecycle/foreseen-headers.ts";
import { listedTime } from "../listing.ts";
import { newVersionHeaders } from "../object-headers.ts";
import { checkCopySize, openCopySource, sourceVersionHeaders } from "../open-copy-source.ts";
import type { OpenSource } from "../open-copy-source.ts";
import { defineOperation } from "../operation.ts";
import type { OperationContext, S3Request } from "../operation.ts";
import { invalidArgument } from "../params.ts";
import { xmlResponse } from "../response.ts";
import { openWriteTarget, parseWrite } from "../write-target.ts";

type CopyInput = ReturnType<typeof parseCopy>;

const REDIRECT = "x-amz-website-redirect-location";

export const copyObject = defineOperation({
  name: "CopyObject",
  route: { method: "PUT", target: "object", headers: ["x-amz-copy-source"] },
  action: "s3:PutObject",
  mayTakeLong: true,

  parse: parseCopy,

  async handle(context, input) {
    const { store, bucketName, key } = context;
    const { bucketName: fromBucket, key: fromKey, versionId } = input.source;
    // A version that is named is brought back by the copy.
    const isSame = fromBucket === bucketName && fromKey === key && versionId === undefined;
    const source = await openCopySource(context, input.source, (object) => {
      checkCopySize(object.sizeBytes);
      if (isSame && !input.isChange) throw copyOntoItself();
    });
    const target = await openTarget(context, source, input);
    const object = await store.copyObject(source, target, input.algorithm);
    const content = {
      LastModified: listedTime(object.modifiedAt),
      ETag: `"${object.etag}"`,
      ...checksumElements(object.checksum),
    };
    const headers = {
      ...encryptionHeaders(object.encryption, keyOf(target.encryption)),
      ...newVersionHeaders(object),
      ...(await expirationHeaders(context, object)),
      ...sourceVersionHeaders(source),
    };
    return xmlResponse("CopyObjectResult", content, { headers });
  },
});

/** Closes the source when the copy may not be made. */
async function openTarget(
  context: OperationContext,
  { bucket, reading }: OpenSource,
  input: CopyInput,
): Promise<NewObject> {
  try {
    const { key, versionId } = input.source;
    if (!input.isReplacingTags && reading.object.tags.length > 0) {
      const isNamed = versionId !== undefined;
      const action = isNamed ? "s3:GetObjectVersionTagging" : "s3:GetObjectTagging";
      await context.require(action, { bucket, key, versionId });
    }
    return await openWriteTarget(context, describe(reading.object, input));
  } catch (error) {
    reading.close();
    throw error;
  }
}

function parseCopy({ headers }: S3Request) {
  const isReplacing = readDirective(headers, "x-amz-metadata-directive");
  const algorithm = findRequestedAlgorithm(headers);
  const given = readAttributes(headers);
  const redirect = given.headers[REDIRECT];
  return {
    ...parseWrite(headers),
    source: parseCopySource(headers),
    condition: readWriteCondition(headers),
    algorithm,
    redirect,
    /** Undefined: those of the source. */
    attributes: isReplacing ? given : undefined,
    isReplacingTags: readDirective(headers, "x-amz-tagging-directive"),
    /** Whether a copy onto itself would change anything. */
    isChange:
      isReplacing ||
      algorithm !== undefined ||
      redirect !== undefined ||
      asksForEncryption(headers) ||
      headers.has("x-amz-storage-class"),
  };
}

/** @throws S3Error InvalidArgument for anything but COPY, the default, and REPLACE. */
function readDirective(headers: Headers, name: string): boolean {
  const value = headers.get(name) ?? "COPY";
  if (value === "COPY" || value === "REPLACE") return value === "REPLACE";
  const kind = name.includes("tagging") ? "tagging" : "metadata";
  throw invalidArgument(name, value, `Unknown ${kind} directive.`);
}

function describe(
  source: ObjectRecord,
  input: CopyInput,
): Omit<NewObject, keyof NewObjectAccess | "bucket" | "key"> {
  return {
    storageClass: input.storageClass,
    attributes: input.attributes ?? copiedAttributes(source, input.redirect),
    tags: input.isReplacingTags ? input.tags : source.tags,
    lock: input.lock,
    encryption: input.encryption,
    condition: input.condition,
  };
}

/** A redirect belongs to its object alone: a copy has the one that the request gives, or none. */
function copiedAttributes(
  source: ObjectRecord,
  redirect: string | undefined,
): NewObject["attributes"] {
  const { [REDIRECT]: _own, ...headers } = source.attributes.headers;
  return {
    headers: redirect === undefined ? headers : { ...headers, [REDIRECT]: redirect },
    userMetadata: source.attributes.userMetadata,
  };
}

function copyOntoItself(): S3Error {
  return new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}
