// SipHash-2-4 against the vector of its authors ("SipHash: a fast short-input PRF", appendix A).

import { expect, test } from "vitest";
import { isShortMac, shortMacKey, writeShortMac } from "../../../src/util/short-mac.ts";

const KEY = shortMacKey(Buffer.from(Array.from({ length: 16 }, (_, index) => index)));
const MESSAGE = Buffer.from(Array.from({ length: 15 }, (_, index) => index));
const MAC = 0xa129ca6149be45e5n;

test("it is SipHash-2-4, little-endian", () => {
  const target = Buffer.alloc(12);
  writeShortMac(KEY, MESSAGE, { target, offset: 4 });
  expect(target.readBigUInt64LE(4)).toBe(MAC);
  expect(isShortMac(KEY, MESSAGE, target.subarray(4))).toBe(true);
});

test("no bit of it, of the message or of the key may be another", () => {
  const mac = Buffer.alloc(8);
  mac.writeBigUInt64LE(MAC);
  for (let bit = 0; bit < 64; bit += 1) {
    const other = Buffer.from(mac);
    other.writeBigUInt64LE(MAC ^ (1n << BigInt(bit)));
    expect(isShortMac(KEY, MESSAGE, other)).toBe(false);
  }
  expect(isShortMac(KEY, MESSAGE.subarray(1), mac)).toBe(false);
  expect(isShortMac(shortMacKey(Buffer.alloc(16, 1)), MESSAGE, mac)).toBe(false);
});
