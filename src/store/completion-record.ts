// The record of a completed upload on the drives, in a pack: which parts became the object, and what the upload said of it.
// The metadata could be made anew from it and from the parts; nothing else reads it (docs/FORMATS.md).

import { createHash } from "node:crypto";
import type { CompletionRecord, CompleteUploadInput } from "../metadata/metadata-store.ts";
import type { BucketRecord, UploadRecord } from "../metadata/records.ts";
import { RECORD_NUMBER } from "../metadata/write-inputs.ts";
import { renderAbout } from "./about-text.ts";
import { PackedBytes } from "./packed-bytes.ts";
import type { StoreContext } from "./store-context.ts";

/** Resolves when it is durable; its content is to be settled. @throws S3Error ServiceUnavailable, InsufficientStorage */
export async function storeCompletion(
  context: StoreContext,
  bucket: BucketRecord,
  upload: UploadRecord,
  completion: CompleteUploadInput,
): Promise<CompletionRecord> {
  const { key, uploadId, sizeBytes: objectBytes, etag: objectEtag, checksum } = completion;
  const { ownerId, storageClass, attributes, tags, acl, lock, encryption } = upload;
  const numbers = completion.parts.map(({ number }) => number);
  const about = renderAbout({
    bucketOwnerId: bucket.ownerId,
    ownerId,
    storageClass,
    tags,
    acl,
    lock,
    isVersioned: bucket.versioning === "enabled",
    completed: { etag: objectEtag, sizeBytes: objectBytes, numbers, encryption },
  });
  // An entry has bytes: they are what its header says, too.
  const text = Buffer.from(about ?? "", "utf8");
  const bytes = new PackedBytes(context, text.length);
  bytes.take(text);
  bytes.end();
  const etag = createHash("md5").update(text).digest("hex");
  const entry = {
    bucket: bucket.name,
    key,
    part: { uploadId, number: RECORD_NUMBER },
    sizeBytes: text.length,
    etag,
    checksums: checksum === undefined ? [] : [checksum],
    attributes,
    createdAt: completion.completedAt,
    about,
  };
  // Of what is deleted to make room: it must be possible to complete what has been uploaded.
  const content = await context.packs.add({ entry, bytes, usesReserve: true });
  return { content, sizeBytes: text.length, etag };
}
