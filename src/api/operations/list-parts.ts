// ListParts: the parts uploaded so far to one multipart upload, in part-number order.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html

import { partChecksumElements } from "../checksum-headers.ts";
import { abortHeaders } from "../lifecycle/foreseen-headers.ts";
import { listedTime, pageLimit } from "../listing.ts";
import { defineOperation } from "../operation.ts";
import { ownerElement } from "../owner.ts";
import { intParam, requiredParam } from "../params.ts";
import { xmlResponse } from "../response.ts";

export const listParts = defineOperation({
  name: "ListParts",
  route: { method: "GET", target: "object", query: ["uploadId"] },
  action: "s3:ListMultipartUploadParts",

  parse: ({ query }) => ({
    uploadId: requiredParam(query, "uploadId"),
    after: intParam(query, "part-number-marker", { min: 0, fallback: 0 }),
    limit: pageLimit(query, "max-parts"),
  }),

  async handle(context, { uploadId, after, limit }) {
    const { store, bucket, bucketName, key, accounts } = context;
    const upload = await store.getUpload(bucket, key, uploadId);
    const { parts, isTruncated } =
      limit === 0 ? { parts: [], isTruncated: false } : await store.listParts(upload, after, limit);
    const content = {
      Bucket: bucketName,
      Key: key,
      UploadId: uploadId,
      Initiator: ownerElement(upload.initiatorId, accounts),
      Owner: ownerElement(upload.ownerId, accounts),
      StorageClass: upload.storageClass,
      PartNumberMarker: after,
      // Absent on the last page: SDK paginators stop on a missing marker, not on a flag.
      NextPartNumberMarker: isTruncated ? parts.at(-1)?.number : undefined,
      MaxParts: limit,
      IsTruncated: isTruncated,
      ChecksumAlgorithm: upload.checksumAlgorithm,
      ChecksumType: upload.checksumType,
      Part: parts.map((part) => ({
        PartNumber: part.number,
        LastModified: listedTime(part.uploadedAt),
        ETag: `"${part.etag}"`,
        Size: part.sizeBytes,
        ...partChecksumElements(part.checksums, upload.checksumAlgorithm),
      })),
    };
    const headers = await abortHeaders(context, upload);
    return xmlResponse("ListPartsResult", content, { headers });
  },
});
