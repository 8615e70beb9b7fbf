// Multipart uploads of a sequence: begun, given parts (twice, or copied from an object that lies there), and ended.

import { S3Error } from "../../../src/core/s3-error.ts";
import type { UploadRecord } from "../../../src/metadata/records.ts";
import type { CompleteRequest } from "../../../src/store/object-store.ts";
import { OWNER } from "../../support/store-lab.ts";
import { nextOperation } from "../world.ts";
import type { Ground } from "./ground.ts";
import { bodyOfValue } from "./object-acts.ts";
import { newValue, sliceOf, valueOfParts, type ModelValue } from "./value.ts";

/** All but the last must have as many bytes as the store's smallest part. */
const PART_SIZES = [600, 2_048, 4_097, 9_000];
const LAST_SIZES = [1, 500, 601, 4_096, 8_193];
const PARTS_MAX = 3;

export async function upload(ground: Ground): Promise<void> {
  const { journal, model, random } = ground;
  const { life, store } = model;
  const key = ground.pickKey();
  try {
    const record = await store.createUpload(ground.target(key), OWNER, undefined);
    const count = 1 + random.below(PARTS_MAX);
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const parts = await Promise.all(
      numbers.map((number) => givePart(ground, record, { number, isLast: number === count })),
    );
    if (life.isOver) return;
    if (random.below(5) === 0) {
      ground.countOperation("abort");
      await store.abortUpload(model.bucket, key, record.uploadId);
      journal.count("abort");
      return;
    }
    await complete(ground, record, parts);
  } catch (error) {
    if (!life.isOver) ground.judgeRefusal("upload part", error, ground.faults.failingCount);
  }
}

interface Wanted {
  readonly number: number;
  readonly isLast: boolean;
}

async function givePart(
  ground: Ground,
  record: UploadRecord,
  { number, isLast }: Wanted,
): Promise<ModelValue> {
  const { journal, model, random } = ground;
  const handle = { bucket: model.bucket, upload: record };
  const copied =
    random.below(3) === 0 ? await copyPart(ground, handle, { number, isLast }) : undefined;
  if (copied !== undefined) return copied;
  const sizes = isLast ? LAST_SIZES : PART_SIZES;
  const next = (): ModelValue => newValue(nextOperation(), sizes[random.below(sizes.length)] ?? 1);
  if (random.below(5) === 0) {
    // Replaced at once: its bytes are garbage, and the later one counts.
    ground.countOperation("put part");
    await model.store.putPart(handle, number, bodyOfValue(ground, next()));
    journal.count("part given twice");
  }
  const value = next();
  ground.countOperation("put part");
  await model.store.putPart(handle, number, bodyOfValue(ground, value));
  journal.count("put part");
  return value;
}

/** Undefined when there is no object that is large enough. */
async function copyPart(
  ground: Ground,
  handle: { readonly bucket: Ground["model"]["bucket"]; readonly upload: UploadRecord },
  { number, isLast }: Wanted,
): Promise<ModelValue | undefined> {
  const source = await ground.open(ground.pickKey());
  if (source === undefined) return undefined;
  const { length } = source.value.bytes;
  const [leastBytes = 1] = isLast ? LAST_SIZES : PART_SIZES;
  if (length < leastBytes) {
    source.reading.close();
    return undefined;
  }
  const start = ground.random.below(length - leastBytes + 1);
  const end = start + leastBytes + ground.random.below(length - leastBytes - start + 1);
  const { reading } = source;
  ground.countOperation("copy part");
  await ground.model.store.copyPart(handle, number, { reading, start, end });
  ground.journal.count("copy part");
  return sliceOf(source.value, start, end);
}

async function complete(
  ground: Ground,
  { key, uploadId }: UploadRecord,
  parts: readonly ModelValue[],
): Promise<void> {
  const { bucket, store } = ground.model;
  ground.countOperation("complete");
  await ground.write("complete", { key, value: valueOfParts(parts) }, () =>
    store.completeUpload({ bucket, key, uploadId, ...allOf(parts) }),
  );
}

/** What failures and crashes left open. */
export async function abortStrays(ground: Ground): Promise<void> {
  const { life } = ground.model;
  try {
    for (const stray of await openUploads(ground)) await abortStray(ground, stray);
  } catch (error) {
    if (!life.isOver) ground.journal.violation(`abort of what was left: ${String(error)}`);
  }
}

/** Another call may end it between the page and this: then no later page may show it. */
async function abortStray(ground: Ground, { key, uploadId }: UploadRecord): Promise<void> {
  const { bucket, store } = ground.model;
  try {
    await store.abortUpload(bucket, key, uploadId);
    ground.journal.note("uploads left open, aborted");
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "NoSuchUpload") throw error;
    const left = await openUploads(ground);
    if (left.some((other) => other.uploadId === uploadId)) throw error;
    ground.journal.note("uploads that another call ended first");
  }
}

async function openUploads({ model }: Ground): Promise<readonly UploadRecord[]> {
  const { entries } = await model.store.listUploads({
    bucketId: model.bucket.id,
    prefix: "",
    delimiter: "",
    keyMarker: undefined,
    uploadIdMarker: undefined,
    limit: 1_000,
  });
  return entries.flatMap((entry) => (entry.kind === "upload" ? entry.upload : []));
}

/** A completion with all parts that were given, and nothing else said. */
export function allOf(
  parts: readonly ModelValue[],
): Omit<CompleteRequest, "bucket" | "key" | "uploadId"> {
  return {
    parts: parts.map(({ etag }, index) => ({ number: index + 1, etag, checksum: undefined })),
    checksum: undefined,
    checksumType: undefined,
    expectedBytes: undefined,
    condition: undefined,
  };
}
