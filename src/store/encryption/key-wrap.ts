// Wraps a data key with another key: AES-256-GCM under a key that is derived for this one wrapping from a fresh salt, so
// that no nonce can repeat however many data keys one master key wraps. The name is authenticated with it.
//
//   0  salt, 16 bytes      16  data key, encrypted, 32 bytes      48  tag, 16 bytes
// https://csrc.nist.gov/pubs/sp/800/38/d/final

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { KeyName } from "./key-provider.ts";

/** Of data keys and of the keys that wrap them. */
export const KEY_BYTES = 32;
export const SALT_BYTES = 16;
const TAG_BYTES = 16;
const WRAPPED_BYTES = SALT_BYTES + KEY_BYTES + TAG_BYTES;
const CIPHER = "aes-256-gcm";
/** Each derived key encrypts once. */
const NONCE = Buffer.alloc(12);

/** A key for one purpose, from a secret that has all its entropy already, and a salt that makes it unique. */
export function deriveKey(secret: Uint8Array, purpose: string, salt: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`kintsugi ${purpose} 1\0`).update(salt).digest();
}

export function wrapKey(secret: Uint8Array, dataKey: Uint8Array, name: KeyName): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const cipher = createCipheriv(CIPHER, deriveKey(secret, "wrap", salt), NONCE);
  cipher.setAAD(boundTo(name));
  const encrypted = cipher.update(dataKey);
  cipher.final();
  return Buffer.concat([salt, encrypted, cipher.getAuthTag()]);
}

/** Undefined where it was wrapped with another secret, for another name, or has changed. */
export function unwrapKey(
  secret: Uint8Array,
  wrapped: Uint8Array,
  name: KeyName,
): Buffer | undefined {
  if (wrapped.length !== WRAPPED_BYTES) return undefined;
  const derived = deriveKey(secret, "wrap", wrapped.subarray(0, SALT_BYTES));
  const decipher = createDecipheriv(CIPHER, derived, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(name));
  decipher.setAuthTag(wrapped.subarray(SALT_BYTES + KEY_BYTES));
  const dataKey = decipher.update(wrapped.subarray(SALT_BYTES, SALT_BYTES + KEY_BYTES));
  try {
    decipher.final();
    return dataKey;
  } catch {
    return undefined;
  }
}

/** No bucket's name has a slash in it, so that no two names give the same bytes. */
function boundTo({ bucket, key }: KeyName): Buffer {
  return Buffer.from(`${bucket}/${key}`, "utf8");
}
