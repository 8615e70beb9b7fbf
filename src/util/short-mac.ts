// SipHash-2-4: proves short messages for which HMAC would cost more than what they ask for (OpenSSL prepares each HMAC anew, some
// 50 us where caches are cold). 64 bits are enough where a wrong one ends the connection that the key was made for.

import SipHash from "siphash";
import { assert } from "./assert.ts";

export const SHORT_MAC_KEY_BYTES = 16;
export const SHORT_MAC_BYTES = 8;

declare const brand: unique symbol;
/** A key of SipHash. */
export type ShortMacKey = Uint32Array & { readonly [brand]: "ShortMacKey" };

export function shortMacKey(bytes: Buffer): ShortMacKey {
  assert(bytes.length === SHORT_MAC_KEY_BYTES, "a key of SipHash has 128 bits");
  const words = Uint32Array.from({ length: 4 }, (_, index) => bytes.readUInt32LE(4 * index));
  return words as ShortMacKey;
}

/** Writes the MAC of `message` into `target` at `offset`. */
export function writeShortMac(
  key: ShortMacKey,
  message: Uint8Array,
  { target, offset }: { readonly target: Buffer; readonly offset: number },
): void {
  const { h, l } = SipHash.hash(key, message);
  target.writeUInt32LE(l >>> 0, offset);
  target.writeUInt32LE(h >>> 0, offset + 4);
}

/** Compares in a time that tells nothing of where two differ. */
export function isShortMac(key: ShortMacKey, message: Uint8Array, mac: Buffer): boolean {
  const { h, l } = SipHash.hash(key, message);
  return ((mac.readUInt32LE(0) ^ l) | (mac.readUInt32LE(4) ^ h)) === 0;
}
