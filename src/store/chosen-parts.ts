// The parts that a CompleteMultipartUpload names, checked against what was uploaded.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

import { PAGE_SIZE_MAX } from "../core/limits.ts";
import { S3Error } from "../core/s3-error.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { PartRecord, UploadRecord } from "../metadata/records.ts";
import type { CompletedPart } from "./object-store.ts";
import type { StoreContext } from "./store-context.ts";

/**
 * The records of the named parts, in order.
 * @throws S3Error InvalidPartOrder, InvalidPart, EntityTooSmall
 */
export async function chooseParts(
  { metadata, limits }: StoreContext,
  upload: UploadRecord,
  wanted: readonly CompletedPart[],
): Promise<readonly PartRecord[]> {
  requireOrder(wanted);
  const uploaded = await partsUpTo(metadata, upload.manifestId, wanted.at(-1)?.number ?? 0);
  const chosen = wanted.map((part) => {
    const record = uploaded.get(part.number);
    if (record === undefined || record.etag !== part.etag) throw invalidPart(upload, part);
    requireChecksum(upload, part, record);
    return record;
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.sizeBytes < limits.partBytesMin) throw tooSmall(part, limits.partBytesMin);
  }
  return chosen;
}

function requireOrder(wanted: readonly CompletedPart[]): void {
  if (wanted.length === 0) throw new S3Error("MalformedXML");
  let last = 0;
  for (const { number } of wanted) {
    if (number <= last) throw new S3Error("InvalidPartOrder");
    last = number;
  }
}

async function partsUpTo(
  metadata: MetadataStore,
  manifestId: number,
  last: number,
): Promise<ReadonlyMap<number, PartRecord>> {
  const found = new Map<number, PartRecord>();
  let after = 0;
  while (after < last) {
    const page = await metadata.listParts(manifestId, after, PAGE_SIZE_MAX);
    for (const part of page.parts) found.set(part.number, part);
    after = page.isTruncated ? (page.parts.at(-1)?.number ?? last) : last;
  }
  return found;
}

function requireChecksum(upload: UploadRecord, part: CompletedPart, record: PartRecord): void {
  if (part.checksum === undefined) return;
  const { algorithm, value } = part.checksum;
  const known = record.checksums.find((checksum) => checksum.algorithm === algorithm);
  if (known?.value !== value) throw invalidPart(upload, part);
}

/**
 * A composite checksum is made of what the client says of each part, so each must be there.
 * @throws S3Error InvalidRequest
 */
export function requirePartChecksums(upload: UploadRecord, wanted: readonly CompletedPart[]): void {
  const { checksumAlgorithm, checksumType } = upload;
  if (checksumAlgorithm === undefined || checksumType !== "COMPOSITE") return;
  const lacking = wanted.find((part) => part.checksum === undefined);
  if (lacking === undefined) return;
  throw new S3Error("InvalidRequest", {
    message: `The upload was created using a ${checksumAlgorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${lacking.number} in the request.`,
  });
}

function invalidPart(upload: UploadRecord, part: CompletedPart): S3Error {
  return new S3Error("InvalidPart", {
    detail: {
      UploadId: upload.uploadId,
      PartNumber: String(part.number),
      ETag: part.etag,
    },
  });
}

function tooSmall(part: PartRecord, leastBytes: number): S3Error {
  return new S3Error("EntityTooSmall", {
    detail: {
      ProposedSize: String(part.sizeBytes),
      MinSizeAllowed: String(leastBytes),
      PartNumber: String(part.number),
      ETag: part.etag,
    },
  });
}
