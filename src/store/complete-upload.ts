// CompleteMultipartUpload: everything is checked against the part rows, then one transaction turns the upload into the
// object; no bytes move. The same list a second time gets the same answer, for clients that lost the first one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

import { createHash } from "node:crypto";
import { S3Error } from "../core/s3-error.ts";
import type { ObjectRecord, UploadRecord } from "../metadata/records.ts";
import { crashPoint } from "../util/crash-point.ts";
import { chooseParts, requirePartChecksums } from "./chosen-parts.ts";
import { commitContent } from "./commit-content.ts";
import { completedChecksum } from "./completed-checksum.ts";
import { storeCompletion } from "./completion-record.ts";
import { sealModeOf } from "./encryption/encryption-text.ts";
import { DIGEST_HEX_LENGTH } from "./encryption/stored-bytes.ts";
import { openUploadKey } from "./encryption/upload-key.ts";
import type { CompleteRequest } from "./object-store.ts";
import { tryCondition } from "./put-object.ts";
import type { StoreContext } from "./store-context.ts";

/**
 * @throws S3Error NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, BadDigest, PreconditionFailed, NoSuchKey,
 * InvalidRequest
 */
export async function completeUpload(
  context: StoreContext,
  request: CompleteRequest,
): Promise<ObjectRecord> {
  const upload = await findUpload(context, request);
  await requireKey(context, request, upload);
  if (upload.completed !== undefined) return repeatedAnswer(context, request, upload);
  try {
    return await makeObject(context, request, upload);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "NoSuchUpload") throw error;
    // Another Complete, or an Abort, was faster.
    return repeatedAnswer(context, request, await findUpload(context, request));
  }
}

async function findUpload(
  { metadata }: StoreContext,
  { bucket, key, uploadId }: CompleteRequest,
): Promise<UploadRecord> {
  const upload = await metadata.findUpload(bucket.id, key, uploadId);
  if (upload === undefined) throw noSuchUpload(uploadId);
  return upload;
}

/** Checksums tell of the parts, so that only who has their key may have them computed. @throws S3Error InvalidRequest */
async function requireKey(
  { keys }: StoreContext,
  { bucket, key, customerKey }: CompleteRequest,
  { checksumAlgorithm, encryption }: UploadRecord,
): Promise<void> {
  const isNeeded = checksumAlgorithm !== undefined && sealModeOf(encryption) === "SSE-C";
  if (customerKey === undefined && !isNeeded) return;
  await openUploadKey(keys, { encryption, name: { bucket: bucket.name, key } }, customerKey);
}

async function makeObject(
  context: StoreContext,
  request: CompleteRequest,
  upload: UploadRecord,
): Promise<ObjectRecord> {
  const { metadata, clock } = context;
  const parts = await chooseParts(context, upload, request.parts);
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (request.expectedBytes !== undefined && request.expectedBytes !== sizeBytes) {
    throw new S3Error("InvalidRequest", {
      message: `The provided 'x-amz-mp-object-size' header value ${request.expectedBytes} does not match what was computed: ${sizeBytes}`,
    });
  }
  // A wrong checksum of the whole is the graver news, so it comes first.
  const checksum = await completedChecksum(upload, parts, request);
  requirePartChecksums(upload, request.parts);
  crashPoint("upload.parts-chosen");
  const completion = {
    bucketId: request.bucket.id,
    key: request.key,
    uploadId: request.uploadId,
    parts: parts.map(({ number, partId }) => ({ number, partId })),
    sizeBytes,
    etag: multipartEtag(parts.map((part) => part.etag)),
    completedAt: clock.now(),
    checksum,
    condition: request.condition,
  };
  // Before the drives say that it was completed: what is refused must not be the object when the metadata is made anew.
  await tryCondition(context, request);
  const object = await context.writings.run(async () => {
    const record = await storeCompletion(context, request.bucket, upload, completion);
    crashPoint("upload.recorded");
    return commitContent(context, record.content, () =>
      metadata.completeUpload({ ...completion, record }),
    );
  });
  crashPoint("upload.completed");
  return object;
}

/** @throws S3Error NoSuchUpload when the upload was completed with other parts, or its object is gone */
async function repeatedAnswer(
  { metadata }: StoreContext,
  request: CompleteRequest,
  upload: UploadRecord,
): Promise<ObjectRecord> {
  const { completed } = upload;
  const isSame =
    completed !== undefined &&
    completed.etag === multipartEtag(request.parts.map((part) => part.etag));
  if (!isSame) throw noSuchUpload(request.uploadId);
  const { bucket, key } = request;
  const { versionId } = completed;
  // It need not be the latest version any more.
  const found = await metadata.findVersion({ bucketId: bucket.id, key, versionId });
  const isThere = found?.kind === "object" && found.object.sequence === completed.sequence;
  if (!isThere) throw noSuchUpload(request.uploadId);
  return found.object;
}

/** The MD5 of the parts' MD5s, or of what they have in their stead, and how many parts there are. */
function multipartEtag(etags: readonly string[]): string {
  const hash = createHash("md5");
  for (const etag of etags) hash.update(etag.slice(0, DIGEST_HEX_LENGTH), "hex");
  return `${hash.digest("hex")}-${etags.length}`;
}

function noSuchUpload(uploadId: string): S3Error {
  return new S3Error("NoSuchUpload", { detail: { UploadId: uploadId } });
}
