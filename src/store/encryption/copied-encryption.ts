// Encryption of a copy that names the same sealed bytes as its source: they stay as they are, and their data key is wrapped
// once more, for the copy's name and by the newest key.

import { timingSafeEqual } from "node:crypto";
import type { CopySource, NewObject } from "../object-store.ts";
import type { StoreContext } from "../store-context.ts";
import { openDataKey, rewrapDataKey } from "./data-key.ts";
import type { CustomerKey } from "./encryption-request.ts";
import { parseEncryption, renderEncryption, wrappedKeyOf } from "./encryption-text.ts";

/** Whether the copy is to be encrypted as its source is, with the same client's key if with any. */
export function isSealedAlike({ reading, customerKey }: CopySource, target: NewObject): boolean {
  const wrapped = wrappedKeyOf(reading.object.encryption);
  const mode = wrapped?.mode;
  if (target.encryption === undefined) return mode === undefined;
  if (target.encryption.kind === "managed") return mode === "SSE-S3";
  if (target.encryption.kind === "kms") return wrapped?.kmsKeyId === target.encryption.keyId;
  return mode === "SSE-C" && areSame(target.encryption.key, customerKey);
}

function areSame(a: CustomerKey, b: CustomerKey | undefined): boolean {
  return b !== undefined && timingSafeEqual(a.bytes, b.bytes);
}

/** For a copy that is sealed alike. @throws S3Error as `openDataKey` and KeyProvider.wrap */
export async function copiedEncryption(
  { keys }: StoreContext,
  { bucket, reading, customerKey }: CopySource,
  target: NewObject,
): Promise<string | undefined> {
  const { key, encryption } = reading.object;
  if (encryption === undefined || target.encryption === undefined) return undefined;
  const name = { bucket: bucket.name, key };
  const dataKey = await openDataKey(keys, { encryption, name }, customerKey);
  if (dataKey === undefined) return undefined;
  const copy = { bucket: target.bucket.name, key: target.key };
  const { bytes } = dataKey;
  const { wrapped } = await rewrapDataKey(keys, target.encryption, { bytes, name: copy });
  return renderEncryption({ ...parseEncryption(encryption), key: wrapped });
}
