// The operations on multipart uploads; completing one is in complete-upload.ts, storing parts in put-part.ts.

import { randomBytes } from "node:crypto";
import type { UploadId } from "../core/ids.ts";
import { S3Error } from "../core/s3-error.ts";
import { completeUpload } from "./complete-upload.ts";
import type { ObjectStore } from "./object-store.ts";
import { renderEncryption } from "./encryption/encryption-text.ts";
import { findDataKey } from "./put-object.ts";
import { copyPart, putPart } from "./put-part.ts";
import { crashPoint } from "../util/crash-point.ts";
import type { StoreContext } from "./store-context.ts";

type MultipartOperations = Pick<
  ObjectStore,
  | "abortUpload"
  | "completeUpload"
  | "copyPart"
  | "createUpload"
  | "getUpload"
  | "listObjectParts"
  | "listParts"
  | "listUploads"
  | "putPart"
>;

const UPLOAD_ID_BYTES = 24;

export function multipartOperations(context: StoreContext): MultipartOperations {
  const { metadata, clock } = context;
  return {
    createUpload: async (target, initiator, checksum) => {
      const dataKey = await findDataKey(context, target);
      return metadata.createUpload({
        bucketId: target.bucket.id,
        key: target.key,
        uploadId: randomBytes(UPLOAD_ID_BYTES).toString("base64url") as UploadId,
        initiatedAt: clock.now(),
        initiatorId: initiator.id,
        ownerId: target.ownerId,
        storageClass: target.storageClass,
        checksumAlgorithm: checksum?.algorithm,
        checksumType: checksum?.type,
        attributes: target.attributes,
        tags: target.tags,
        acl: target.acl,
        encryption: dataKey && renderEncryption({ key: dataKey.wrapped }),
        lock: target.lock,
      });
    },
    getUpload: async (bucket, key, uploadId) => {
      const upload = await metadata.findUpload(bucket.id, key, uploadId as UploadId);
      if (upload === undefined || upload.completed !== undefined) throw noSuchUpload(uploadId);
      return upload;
    },
    listUploads: (query) => metadata.listUploads(query),
    putPart: (upload, number, body) => putPart(context, upload, number, body),
    copyPart: (upload, number, source) => copyPart(context, upload, number, source),
    listParts: (upload, after, limit) => metadata.listParts(upload.manifestId, after, limit),
    listObjectParts: async (object, after, limit) =>
      object.content.kind === "manifest"
        ? metadata.listParts(object.content.manifestId, after, limit)
        : { parts: [], isTruncated: false },
    completeUpload: (request) => completeUpload(context, request),
    abortUpload: async (bucket, key, uploadId) => {
      await metadata.abortUpload(bucket.id, key, uploadId as UploadId);
      crashPoint("upload.aborted");
    },
  };
}

function noSuchUpload(uploadId: string): S3Error {
  return new S3Error("NoSuchUpload", { detail: { UploadId: uploadId } });
}
