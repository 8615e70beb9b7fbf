// Our HMAC says what Node's says, whatever the key and the text.

import { createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { HmacKey } from "../../../src/auth/hmac-key.ts";

const right = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest("hex");

// RFC 4231, test cases 1, 2 and 4.
test.each([
  [
    "0b".repeat(20),
    "4869205468657265",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    "4a656665",
    "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
])("the examples of RFC 4231: key %s", (key, text, digest) => {
  const hmac = new HmacKey(Buffer.from(key, "hex"));
  expect(hmac.hexOf(Buffer.from(text, "hex").toString("latin1"))).toBe(digest);
});

test("keys and texts of all lengths, one key for many texts", () => {
  for (const keyBytes of [0, 1, 20, 31, 32, 33, 63, 64]) {
    const key = randomBytes(keyBytes);
    const hmac = new HmacKey(key);
    for (const length of [0, 1, 55, 56, 63, 64, 65, 300, 340, 341, 342, 343, 1_024, 5_000]) {
      for (const char of ["a", "é", "€", "\u0000"]) {
        const text = char.repeat(length);
        expect(hmac.hexOf(text), `${keyBytes} ${length} ${char}`).toBe(right(key, text));
      }
    }
    expect(hmac.hexOf("a \ud800 surrogate")).toBe(right(key, "a \ud800 surrogate"));
  }
});

test("a key that is longer than a block is refused", () => {
  expect(() => new HmacKey(Buffer.alloc(65))).toThrow("longer than a block");
});
