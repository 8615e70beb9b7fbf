// CreateMultipartUpload: begins an upload in parts; what the object will be, beside its bytes, is said here.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html

import { checksumTypesOfParts } from "../../core/checksum.ts";
import type { ChecksumAlgorithm, ChecksumType } from "../../core/checksum.ts";
import { S3Error } from "../../core/s3-error.ts";
import { findRequestedAlgorithm, findRequestedType } from "../checksum-headers.ts";
import { encryptionHeaders, keyOf } from "../encryption-headers.ts";
import { readAttributes } from "../headers.ts";
import type { Headers } from "../headers.ts";
import { abortHeaders } from "../lifecycle/foreseen-headers.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import { openWriteTarget, parseWrite } from "../write-target.ts";

interface UploadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

export const createMultipartUpload = defineOperation({
  name: "CreateMultipartUpload",
  route: { method: "POST", target: "object", query: ["uploads"] },
  action: "s3:PutObject",

  parse: ({ headers }) => ({
    ...parseWrite(headers),
    attributes: readAttributes(headers),
    checksum: parseUploadChecksum(headers),
  }),

  async handle(context, { checksum, ...description }) {
    const target = await openWriteTarget(context, description);
    const upload = await context.store.createUpload(target, context.account, checksum);
    const content = { Bucket: context.bucketName, Key: context.key, UploadId: upload.uploadId };
    const told = {
      ...encryptionHeaders(upload.encryption, keyOf(target.encryption)),
      ...(await abortHeaders(context, upload)),
    };
    const headers =
      checksum === undefined
        ? told
        : {
            ...told,
            "x-amz-checksum-algorithm": checksum.algorithm,
            "x-amz-checksum-type": checksum.type,
          };
    return xmlResponse("InitiateMultipartUploadResult", content, { headers });
  },
});

/** @throws S3Error InvalidRequest for a type without an algorithm, or one that the algorithm does not have. */
function parseUploadChecksum(headers: Headers): UploadChecksum | undefined {
  const algorithm = findRequestedAlgorithm(headers);
  const type = findRequestedType(headers);
  if (algorithm === undefined) {
    if (type === undefined) return undefined;
    throw new S3Error("InvalidRequest", {
      message:
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  const types = checksumTypesOfParts(algorithm);
  if (type !== undefined && !types.includes(type)) {
    throw new S3Error("InvalidRequest", {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  return { algorithm, type: type ?? types[0] };
}
