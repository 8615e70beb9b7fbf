// CRC32C against the check value of its catalogue entry and the vectors of RFC 3720, appendix B.4.

import { expect, test } from "vitest";
import { crc32c } from "../../../src/util/crc32c.ts";

const ascending = Buffer.from(Array.from({ length: 32 }, (_, index) => index));

test.each([
  ["nothing", Buffer.alloc(0), 0],
  ["the digits 1 to 9", Buffer.from("123456789"), 0xe306_9283],
  ["32 zeros", Buffer.alloc(32), 0x8a91_36aa],
  ["32 bytes of ones", Buffer.alloc(32, 0xff), 0x62a8_ab43],
  ["0 to 31", ascending, 0x46dd_794e],
])("the checksum of %s is the known one", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test("a checksum over pieces is that of the whole", () => {
  const whole = Buffer.from("123456789");
  for (let cut = 0; cut <= whole.length; cut += 1) {
    expect(crc32c(whole.subarray(cut), crc32c(whole.subarray(0, cut)))).toBe(crc32c(whole));
  }
});

test("another seed gives another checksum of the same bytes", () => {
  const seeds = [0, 1, 2, 0x8000_0000, 0xffff_ffff];
  expect(new Set(seeds.map((seed) => crc32c(ascending, seed))).size).toBe(seeds.length);
});
