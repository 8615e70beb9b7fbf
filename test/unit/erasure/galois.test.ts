// The field's arithmetic, against its definition.

import { expect, test } from "vitest";
import {
  identityRow,
  invertMatrix,
  multiply,
  multiplyMatrices,
  power,
} from "../../../src/erasure/galois.ts";

test("a product is what long multiplication gives", () => {
  const wrong: [number, number][] = [];
  for (let left = 0; left < 256; left += 1) {
    for (let right = 0; right < 256; right += 1) {
      let product = 0;
      for (let bit = 7; bit >= 0; bit -= 1) {
        product = (product << 1) ^ (product & 0x80 ? 0x11d : 0);
        if ((right >> bit) & 1) product ^= left;
      }
      if (multiply(left, right) !== product) wrong.push([left, right]);
    }
  }
  expect(wrong).toEqual([]);
});

test("powers", () => {
  expect([power(0, 0), power(0, 3), power(7, 1), power(2, 8)]).toEqual([1, 0, 7, 0x1d]);
});

test("a matrix times its inverse is the identity; one without an inverse is refused", () => {
  const matrix = [
    [0, 1, 7],
    [9, 0, 3],
    [2, 200, 0],
  ];
  const identity = [0, 1, 2].map((index) => identityRow(3, index));
  expect(multiplyMatrices(matrix, invertMatrix(matrix))).toEqual(identity);
  expect(multiplyMatrices(invertMatrix(matrix), matrix)).toEqual(identity);
  expect(() =>
    invertMatrix([
      [1, 2],
      [1, 2],
    ]),
  ).toThrow("has an inverse");
});
