// Arithmetic with bytes as elements of GF(2^8), of the polynomial that the on-disk format's parity is computed with:
// adding is XOR, multiplying is adding logarithms. Only coefficients are computed here; units are the kernel's.

import { assert } from "../util/assert.ts";

/** x^8 + x^4 + x^3 + x^2 + 1; its powers of 2 are all elements but zero. */
export const POLYNOMIAL = 0x11d;
const ORDER = 255;

const exponents = new Uint8Array(2 * ORDER);
const logarithms = new Uint8Array(256);
for (let exponent = 0, value = 1; exponent < ORDER; exponent += 1) {
  exponents[exponent] = value;
  exponents[exponent + ORDER] = value;
  logarithms[value] = exponent;
  value = (value << 1) ^ ((value & 0x80) === 0 ? 0 : POLYNOMIAL);
}

/** A row of factors: the sum of their products with as many units is a unit. */
export type Row = readonly number[];
export type Matrix = readonly Row[];

export function multiply(left: number, right: number): number {
  if (left === 0 || right === 0) return 0;
  return exponents[(logarithms[left] ?? 0) + (logarithms[right] ?? 0)] ?? 0;
}

/** `base` times itself; to the power of 0 everything is 1. */
export function power(base: number, exponent: number): number {
  let value = 1;
  for (let times = 0; times < exponent; times += 1) value = multiply(value, base);
  return value;
}

export function multiplyMatrices(left: Matrix, right: Matrix): Matrix {
  const columns = [...(right[0] ?? []).keys()];
  return left.map((row) =>
    columns.map((column) =>
      row.reduce((sum, factor, at) => sum ^ multiply(factor, right[at]?.[column] ?? 0), 0),
    ),
  );
}

/** By Gauss and Jordan. @throws when it has no inverse. */
export function invertMatrix(matrix: Matrix): Matrix {
  const size = matrix.length;
  let rows = matrix.map((row, index) => [...row, ...identityRow(size, index)]);
  for (let column = 0; column < size; column += 1) {
    const pivotAt = rows.findIndex((row, index) => index >= column && row[column] !== 0);
    const found = rows[pivotAt];
    assert(found !== undefined, "a matrix that is inverted has an inverse");
    rows[pivotAt] = rows[column] ?? [];
    const pivot = scaledRow(found, inverse(found[column] ?? 0));
    rows = rows.map((row, index) =>
      index === column
        ? pivot
        : row.map((value, at) => value ^ multiply(row[column] ?? 0, pivot[at] ?? 0)),
    );
  }
  return rows.map((row) => row.slice(size));
}

/** The row of the identity matrix. */
export function identityRow(size: number, index: number): Row {
  return Array.from({ length: size }, (_, at) => (at === index ? 1 : 0));
}

function scaledRow(row: Row, factor: number): number[] {
  return row.map((value) => multiply(value, factor));
}

function inverse(value: number): number {
  return exponents[ORDER - (logarithms[value] ?? 0)] ?? 0;
}
