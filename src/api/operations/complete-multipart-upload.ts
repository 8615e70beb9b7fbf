// CompleteMultipartUpload: makes the object from the parts that the client names. Asked again, it answers the same.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

import { CHECKSUM_ALGORITHMS, checksumHeader, checksumTypesOfParts } from "../../core/checksum.ts";
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../../core/checksum.ts";
import type { UploadId } from "../../core/ids.ts";
import { OBJECT_BYTES_MAX } from "../../core/limits.ts";
import { S3Error } from "../../core/s3-error.ts";
import { parseChecksum } from "../body/declared-checksum.ts";
import { checksumElements, findRequestedType } from "../checksum-headers.ts";
import { parseCompletedParts } from "../completed-parts.ts";
import { asksForContent, readWriteCondition } from "../conditions.ts";
import { encryptionHeaders, readCustomerKey } from "../encryption-headers.ts";
import type { Headers } from "../headers.ts";
import { expirationHeaders } from "../lifecycle/foreseen-headers.ts";
import { objectUrl } from "../object-url.ts";
import { newVersionHeaders } from "../object-headers.ts";
import { defineOperation } from "../operation.ts";
import { invalidArgument, requiredParam } from "../params.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { xmlResponse } from "../response.ts";

/** What a composite value ends in. */
const PART_COUNT = /-\d+$/;

export const completeMultipartUpload = defineOperation({
  name: "CompleteMultipartUpload",
  route: { method: "POST", target: "object", query: ["uploadId"] },
  action: "s3:PutObject",
  body: "xml",
  hasObjectChecksum: true,
  mayTakeLong: true,

  parse: ({ headers, query, xml }) => {
    refuseHeaders(headers, "write");
    const checksumType = findRequestedType(headers);
    return {
      uploadId: requiredParam(query, "uploadId") as UploadId,
      parts: parseCompletedParts(xml),
      checksumType,
      checksum: findChecksum(headers, checksumType),
      expectedBytes: findExpectedSize(headers),
      condition: readWriteCondition(headers),
      customerKey: readCustomerKey(headers),
    };
  },

  async handle(context, input) {
    const { store, bucket, bucketName, key, request } = context;
    if (asksForContent(input.condition)) await context.require("s3:GetObject");
    const object = await store.completeUpload({ bucket, key, ...input });
    const content = {
      Location: objectUrl(request),
      Bucket: bucketName,
      Key: key,
      ETag: `"${object.etag}"`,
      ...checksumElements(object.checksum),
    };
    return xmlResponse("CompleteMultipartUploadResult", content, {
      headers: {
        ...encryptionHeaders(object.encryption, input.customerKey),
        ...newVersionHeaders(object),
        ...(await expirationHeaders(context, object)),
      },
    });
  },
});

/**
 * What the client computed for the whole object.
 * @throws S3Error InvalidRequest for more than one value; BadDigest for one that is no checksum of any object
 */
function findChecksum(
  headers: Headers,
  declared: ChecksumType | undefined,
): ObjectChecksum | undefined {
  const algorithms = CHECKSUM_ALGORITHMS.filter((name) => headers.has(checksumHeader(name)));
  const [algorithm] = algorithms;
  if (algorithm === undefined) return undefined;
  if (algorithms.length > 1) {
    throw new S3Error("InvalidRequest", {
      message:
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    });
  }
  const value = headers.get(checksumHeader(algorithm)) ?? "";
  parseChecksum(algorithm, value.replace(PART_COUNT, ""));
  return { algorithm, value, type: declared ?? impliedType(algorithm, value) };
}

function impliedType(algorithm: ChecksumAlgorithm, value: string): ChecksumType {
  const [first, ...others] = checksumTypesOfParts(algorithm);
  if (others.length === 0) return first;
  return PART_COUNT.test(value) ? "COMPOSITE" : "FULL_OBJECT";
}

const SIZE_HEADER = "x-amz-mp-object-size";

function findExpectedSize(headers: Headers): number | undefined {
  const text = headers.get(SIZE_HEADER);
  if (text === undefined) return undefined;
  const size = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (size <= OBJECT_BYTES_MAX) return size;
  throw invalidArgument(SIZE_HEADER, text, `Value for ${SIZE_HEADER} header is invalid.`);
}
