// The factors of the on-disk format's code: the same matrix as the library's, which decision 0004 names, so that parity
// is the same to the byte. The rows of a Vandermonde matrix, multiplied by the inverse of its first k, so that the first
// k units are the data itself.

import { assert } from "../util/assert.ts";
import { identityRow, invertMatrix, multiplyMatrices, power, type Matrix } from "./galois.ts";

interface Shape {
  readonly dataShards: number;
  readonly parityShards: number;
}

/** Units as sums of the products of other units of the same stripe with factors. */
export interface Recipe {
  /** Indexes of the units that are read. */
  readonly inputs: readonly number[];
  /** Indexes of the units that are filled. */
  readonly outputs: readonly number[];
  /** One row for each output; one factor in it for each input. */
  readonly rows: Matrix;
}

/** How parity is made from data. */
export function encodingRecipe({ dataShards, parityShards }: Shape): Recipe {
  return {
    inputs: indexes(dataShards),
    outputs: indexes(parityShards).map((index) => dataShards + index),
    rows: codingMatrix({ dataShards, parityShards }).slice(dataShards),
  };
}

/** How the absent data units are made from the first k units that are present; there must be so many. */
export function restoringRecipe(shape: Shape, present: readonly boolean[]): Recipe {
  const matrix = codingMatrix(shape);
  const inputs = indexes(matrix.length)
    .filter((index) => present[index] === true)
    .slice(0, shape.dataShards);
  assert(inputs.length === shape.dataShards, "there are enough units to restore the others");
  const outputs = indexes(shape.dataShards).filter((index) => present[index] !== true);
  const dataFromInputs = invertMatrix(rowsOf(matrix, inputs));
  return { inputs, outputs, rows: rowsOf(dataFromInputs, outputs) };
}

/** How any units are made from any k others. */
export function derivingRecipe(
  shape: Shape,
  inputs: readonly number[],
  outputs: readonly number[],
): Recipe {
  assert(inputs.length === shape.dataShards, "k units determine all others");
  const matrix = codingMatrix(shape);
  const dataFromInputs = invertMatrix(rowsOf(matrix, inputs));
  return { inputs, outputs, rows: multiplyMatrices(rowsOf(matrix, outputs), dataFromInputs) };
}

/** All k+m units as sums of the data: the identity matrix, and the rows of parity below it. */
function codingMatrix({ dataShards, parityShards }: Shape): Matrix {
  const total = dataShards + parityShards;
  assert(dataShards > 0 && total <= 256, "a code has at most 256 units");
  const vandermonde = indexes(total).map((row) =>
    indexes(dataShards).map((column) => power(row, column)),
  );
  const matrix = multiplyMatrices(vandermonde, invertMatrix(vandermonde.slice(0, dataShards)));
  return matrix.map((row, index) => (index < dataShards ? identityRow(dataShards, index) : row));
}

function rowsOf(matrix: Matrix, wanted: readonly number[]): Matrix {
  return wanted.map((index) => matrix[index] ?? []);
}

function indexes(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
