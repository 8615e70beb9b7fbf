// UploadPart and UploadPartCopy: a part is stored as an object is, in a set of its own, a pack or inline, and named by its
// upload. Replacing a part puts the old one's set into the trash.

import { DEFAULT_CHECKSUM_ALGORITHM } from "../core/checksum.ts";
import { PUT_BYTES_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { PartRecord } from "../metadata/records.ts";
import { bodyOfReading } from "./body-of-reading.ts";
import { commitContent } from "./commit-content.ts";
import { openUploadKey } from "./encryption/upload-key.ts";
import type { PartSource, UploadHandle } from "./object-store.ts";
import { tryQuota } from "./put-object.ts";
import { storeContent } from "./store-content.ts";
import type { StoreContext } from "./store-context.ts";
import type { UploadBody } from "./upload-body.ts";

/** @throws S3Error NoSuchUpload, of the body, BadDigest, EntityTooLarge, QuotaExceeded, ServiceUnavailable, ... */
export async function putPart(
  context: StoreContext,
  { bucket, upload, customerKey }: UploadHandle,
  number: number,
  body: UploadBody,
): Promise<PartRecord> {
  const { key, uploadId, attributes, encryption } = upload;
  // The object will be no smaller than any of its parts.
  await tryQuota(context, { bucket, key }, body.sizeBytes);
  const encrypted = { encryption, name: { bucket: bucket.name, key } };
  const dataKey = await openUploadKey(context.keys, encrypted, customerKey);
  const part = { uploadId, number };
  const purpose = { bucket: bucket.name, key, part, attributes, dataKey };
  return context.writings.run(async () => {
    const stored = await storeContent(context, purpose, body);
    return commitContent(context, stored.content, () =>
      context.metadata.putPart({
        ...stored,
        bucketId: bucket.id,
        key,
        uploadId,
        number,
        uploadedAt: context.clock.now(),
      }),
    );
  });
}

/** Closes the source's reading. @throws S3Error as `putPart` */
export async function copyPart(
  context: StoreContext,
  handle: UploadHandle,
  number: number,
  source: PartSource,
): Promise<PartRecord> {
  const { reading, start, end } = source;
  try {
    const sizeBytes = end - start;
    if (sizeBytes > PUT_BYTES_MAX) {
      throw new S3Error("InvalidRequest", {
        message: `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES_MAX}`,
      });
    }
    const algorithm = handle.upload.checksumAlgorithm ?? DEFAULT_CHECKSUM_ALGORITHM;
    const body = await bodyOfReading(reading.read(start, end), sizeBytes, algorithm);
    return await putPart(context, handle, number, body);
  } finally {
    reading.close();
  }
}
