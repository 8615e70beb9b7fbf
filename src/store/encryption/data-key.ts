// The data key of an object or upload: 32 random bytes, wrapped by a master key (SSE-S3), one
// that the client names (SSE-KMS), or the client's own (SSE-C).
// That a wrapped key does not open is how a wrong key of a client is known: nothing else of it is kept.

import { randomBytes } from "node:crypto";
import { S3Error } from "../../core/s3-error.ts";
import type { CustomerKey, EncryptionRequest } from "./encryption-request.ts";
import { parseEncryption, requireKey, type WrappedKey } from "./encryption-text.ts";
import type { KeyName, KeyProvider } from "./key-provider.ts";
import { KEY_BYTES, unwrapKey, wrapKey } from "./key-wrap.ts";

export interface DataKey {
  readonly bytes: Uint8Array;
  /** As it is kept. */
  readonly wrapped: WrappedKey;
}

/** @throws S3Error as KeyProvider.wrap */
export async function makeDataKey(
  keys: KeyProvider,
  request: EncryptionRequest,
  name: KeyName,
): Promise<DataKey> {
  const bytes = randomBytes(KEY_BYTES);
  return { bytes, wrapped: await wrapFor(keys, request, { bytes, name }) };
}

/** The same data key for another name, wrapped by the newest master key or the client's own. @throws S3Error */
export async function rewrapDataKey(
  keys: KeyProvider,
  request: EncryptionRequest,
  { bytes, name }: { readonly bytes: Uint8Array; readonly name: KeyName },
): Promise<DataKey> {
  return { bytes, wrapped: await wrapFor(keys, request, { bytes, name }) };
}

async function wrapFor(
  keys: KeyProvider,
  request: EncryptionRequest,
  { bytes, name }: { readonly bytes: Uint8Array; readonly name: KeyName },
): Promise<WrappedKey> {
  if (request.kind === "customer") {
    const wrapped = wrapKey(request.key.bytes, bytes, name).toString("base64");
    return { mode: "SSE-C", keyId: "", wrapped };
  }
  const kmsKeyId = request.kind === "kms" ? request.keyId : undefined;
  const { keyId, wrapped } = await keys.wrap(bytes, name, kmsKeyId);
  const mode = kmsKeyId === undefined ? "SSE-S3" : "SSE-KMS";
  return { mode, keyId, wrapped: Buffer.from(wrapped).toString("base64"), kmsKeyId };
}

/** What an object, or upload, says of its encryption, and whose it is. */
export interface Encrypted {
  readonly encryption: string | undefined;
  readonly name: KeyName;
}

/**
 * The data key; undefined where nothing is encrypted.
 * @throws S3Error as `checkCustomerKey`, and as KeyProvider.unwrap
 */
export async function openDataKey(
  keys: KeyProvider,
  encrypted: Encrypted,
  customerKey: CustomerKey | undefined,
): Promise<DataKey | undefined> {
  const found = openWithCustomerKey(encrypted, customerKey);
  if (found === undefined || "bytes" in found) return found;
  const { keyId, wrapped } = found.wrapped;
  const unwrapped = { keyId, wrapped: Buffer.from(wrapped, "base64") };
  return { bytes: await keys.unwrap(unwrapped, encrypted.name), wrapped: found.wrapped };
}

/**
 * Whether a client may learn of the object what its key protects.
 * @throws S3Error InvalidRequest where a key is missing, or given for what has none; AccessDenied for another key
 */
export function checkCustomerKey(encrypted: Encrypted, customerKey: CustomerKey | undefined): void {
  openWithCustomerKey(encrypted, customerKey);
}

function openWithCustomerKey(
  { encryption, name }: Encrypted,
  customerKey: CustomerKey | undefined,
): DataKey | Pick<DataKey, "wrapped"> | undefined {
  const wrapped = encryption === undefined ? undefined : requireKey(parseEncryption(encryption));
  if (wrapped?.mode !== "SSE-C") {
    if (customerKey !== undefined) throw notApplicable();
    return wrapped && { wrapped };
  }
  if (customerKey === undefined) throw keyMissing();
  const bytes = unwrapKey(customerKey.bytes, Buffer.from(wrapped.wrapped, "base64"), name);
  if (bytes === undefined) throw otherKey();
  return { bytes, wrapped };
}

function notApplicable(): S3Error {
  const message = "The encryption parameters are not applicable to this object.";
  return new S3Error("InvalidRequest", { message });
}

function keyMissing(): S3Error {
  return new S3Error("InvalidRequest", {
    message:
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
  });
}

function otherKey(): S3Error {
  return new S3Error("AccessDenied", {
    message:
      "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
  });
}
