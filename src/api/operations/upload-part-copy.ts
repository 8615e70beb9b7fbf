// UploadPartCopy: stores a part of an upload from the bytes of another object, or a range of them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html

import { partChecksumElements } from "../checksum-headers.ts";
import { checkCopyRange, parseCopyRange, parseCopySource } from "../copy-source.ts";
import { encryptionHeaders, readCustomerKey } from "../encryption-headers.ts";
import { listedTime } from "../listing.ts";
import { checkCopySize, openCopySource, sourceVersionHeaders } from "../open-copy-source.ts";
import { defineOperation } from "../operation.ts";
import { parsePartTarget } from "../part-target.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { xmlResponse } from "../response.ts";

export const uploadPartCopy = defineOperation({
  name: "UploadPartCopy",
  route: {
    method: "PUT",
    target: "object",
    query: ["partNumber", "uploadId"],
    headers: ["x-amz-copy-source"],
  },
  action: "s3:PutObject",
  mayTakeLong: true,

  parse: ({ headers, query }) => {
    refuseHeaders(headers, "part");
    return {
      ...parsePartTarget(query),
      source: parseCopySource(headers),
      range: parseCopyRange(headers),
      customerKey: readCustomerKey(headers),
    };
  },

  async handle(context, { uploadId, number, source, range, customerKey }) {
    const { store, bucket, key } = context;
    const upload = await store.getUpload(bucket, key, uploadId);
    const opened = await openCopySource(context, source, ({ sizeBytes }) => {
      if (range !== undefined) checkCopyRange(range, sizeBytes);
      checkCopySize(range === undefined ? sizeBytes : range.last + 1 - range.first);
    });
    const { reading } = opened;
    const start = range?.first ?? 0;
    const end = range === undefined ? reading.object.sizeBytes : range.last + 1;
    const handle = { bucket, upload, customerKey };
    const part = await store.copyPart(handle, number, { reading, start, end });
    const content = {
      LastModified: listedTime(part.uploadedAt),
      ETag: `"${part.etag}"`,
      ...partChecksumElements(part.checksums),
    };
    return xmlResponse("CopyPartResult", content, {
      headers: {
        ...encryptionHeaders(upload.encryption, customerKey),
        ...sourceVersionHeaders(opened),
      },
    });
  },
});
