// Pieces behind each other, also where the buffer has to grow for them.

import { expect, test } from "vitest";
import { ByteWriter } from "../../../src/util/byte-writer.ts";

test.each([
  [0, [0]],
  [127, [127]],
  [128, [0x80, 1]],
  [300, [0xac, 2]],
  [0xffff, [0xff, 0xff, 3]],
  [0x7fff_ffff, [0xff, 0xff, 0xff, 0xff, 7]],
])("the count %i is %o", (value, expected) => {
  const writer = new ByteWriter(0);
  writer.count(value);
  expect([...writer.bytes()]).toEqual(expected);
});

test.each([1, 16, 4096])(
  "pieces of all kinds, beginning with room for %i bytes",
  (expectedBytes) => {
    const writer = new ByteWriter(expectedBytes);
    writer.byte(7);
    writer.text("kéy/☃/𝄞");
    writer.counted(Buffer.alloc(200, 9));
    writer.text("");
    const text = Buffer.from("kéy/☃/𝄞", "utf8");
    const expected = [
      Buffer.from([7, text.length]),
      text,
      Buffer.from([0xc8, 1]),
      Buffer.alloc(200, 9),
      Buffer.from([0]),
    ];
    expect(writer.bytes().equals(Buffer.concat(expected))).toBe(true);
  },
);

test("what was read stays as it was", () => {
  const writer = new ByteWriter(8);
  writer.byte(1);
  const first = writer.bytes();
  writer.byte(2);
  expect([...first]).toEqual([1]);
  expect([...writer.bytes()]).toEqual([1, 2]);
});
