// Reed-Solomon for stripes of a few bytes, by tables: the library costs more to call than such a stripe to encode. Its
// coefficients are asked of the library, so that both give the same bytes (checked at start).

import { assert } from "../../../src/util/assert.ts";
import type { ErasureCodec } from "../../../src/erasure/erasure-codec.ts";
import { shardCount, type Geometry } from "../../../src/erasure/geometry.ts";

/** x^8 + x^4 + x^3 + x^2 + 1. */
const POLYNOMIAL = 0x11d;
const ORDER = 255;

const exponents = new Uint8Array(2 * ORDER);
const logarithms = new Uint8Array(256);
/** PRODUCTS[a * 256 + b]. */
const products = new Uint8Array(256 * 256);
fillTables();

function fillTables(): void {
  for (let power = 0, value = 1; power < ORDER; power += 1) {
    exponents[power] = value;
    exponents[power + ORDER] = value;
    logarithms[value] = power;
    value = (value << 1) ^ (value & 0x80 ? POLYNOMIAL : 0);
  }
  for (let a = 1; a < 256; a += 1) {
    for (let b = 1; b < 256; b += 1) {
      products[a * 256 + b] = exponents[(logarithms[a] ?? 0) + (logarithms[b] ?? 0)] ?? 0;
    }
  }
}

type Row = readonly number[];

export function tableCodec(library: ErasureCodec): ErasureCodec {
  return new TableCodec(library);
}

class TableCodec implements ErasureCodec {
  readonly #library: ErasureCodec;
  /** By geometry: for each parity unit the factors of the data units. */
  readonly #parityRows = new Map<string, readonly Row[]>();
  /** By geometry and units that are there: which k of them are used, and for each data unit their factors. */
  readonly #decoders = new Map<string, Decoder>();

  constructor(library: ErasureCodec) {
    this.#library = library;
  }

  encode(stripe: Uint8Array, geometry: Geometry): void {
    if (geometry.parityShards === 0 || stripe.length === 0) return;
    const unitBytes = stripe.length / shardCount(geometry);
    for (const [nth, row] of this.#rowsOf(geometry).entries()) {
      const inputs = row.map((_, index) => index);
      combine(stripe, unitBytes, { target: geometry.dataShards + nth, inputs, row });
    }
  }

  reconstruct(stripe: Uint8Array, geometry: Geometry, present: readonly boolean[]): void {
    const presentCount = present.filter(Boolean).length;
    assert(presentCount >= geometry.dataShards, "enough units are present");
    if (presentCount === present.length || stripe.length === 0) return;
    const unitBytes = stripe.length / shardCount(geometry);
    const { inputs, rows } = this.#decoderOf(geometry, present);
    for (let target = 0; target < geometry.dataShards; target += 1) {
      if (present[target] === true) continue;
      combine(stripe, unitBytes, { target, inputs, row: rows[target] ?? [] });
    }
    this.encode(stripe, geometry);
  }

  /** What the library makes of units that hold a single one. */
  #rowsOf({ dataShards, parityShards }: Geometry): readonly Row[] {
    const name = `${dataShards}+${parityShards}`;
    const known = this.#parityRows.get(name);
    if (known !== undefined) return known;
    const count = dataShards + parityShards;
    const columns = Array.from({ length: dataShards }, (_, index) => {
      const stripe = new Uint8Array(count);
      stripe[index] = 1;
      this.#library.encode(stripe, { dataShards, parityShards, unitBytes: 1 });
      return stripe.subarray(dataShards);
    });
    const rows = Array.from({ length: parityShards }, (_, nth) =>
      columns.map((column) => column[nth] ?? 0),
    );
    this.#parityRows.set(name, rows);
    return rows;
  }

  #decoderOf(geometry: Geometry, present: readonly boolean[]): Decoder {
    const name = `${geometry.dataShards} ${present.join()}`;
    const known = this.#decoders.get(name);
    if (known !== undefined) return known;
    const { dataShards } = geometry;
    const inputs = present
      .flatMap((isPresent, index) => (isPresent ? index : []))
      .slice(0, dataShards);
    const parity = this.#rowsOf(geometry);
    const matrix = inputs.map((index) =>
      index < dataShards ? unitRow(dataShards, index) : [...(parity[index - dataShards] ?? [])],
    );
    const decoder = { inputs, rows: inverse(matrix) };
    this.#decoders.set(name, decoder);
    return decoder;
  }
}

interface Decoder {
  readonly inputs: readonly number[];
  readonly rows: readonly Row[];
}

interface Combination {
  /** The unit that is filled. */
  readonly target: number;
  readonly inputs: readonly number[];
  readonly row: Row;
}

function combine(
  stripe: Uint8Array,
  unitBytes: number,
  { target, inputs, row }: Combination,
): void {
  const filled = stripe.subarray(target * unitBytes, (target + 1) * unitBytes);
  filled.fill(0);
  for (const [nth, input] of inputs.entries()) {
    const factor = row[nth] ?? 0;
    if (factor === 0) continue;
    const from = stripe.subarray(input * unitBytes, (input + 1) * unitBytes);
    if (factor === 1) addUnit(filled, from);
    else addProduct(filled, from, products.subarray(factor * 256, (factor + 1) * 256));
  }
}

function addUnit(sum: Uint8Array, from: Uint8Array): void {
  for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] ?? 0) ^ (from[at] ?? 0);
}

function addProduct(sum: Uint8Array, from: Uint8Array, table: Uint8Array): void {
  for (let at = 0; at < sum.length; at += 1) {
    sum[at] = (sum[at] ?? 0) ^ (table[from[at] ?? 0] ?? 0);
  }
}

function unitRow(length: number, index: number): number[] {
  return Array.from({ length }, (_, at) => (at === index ? 1 : 0));
}

/** By Gauss and Jordan. */
function inverse(matrix: readonly Row[]): readonly Row[] {
  const size = matrix.length;
  const rows = matrix.map((row, index) => [...row, ...unitRow(size, index)]);
  for (let column = 0; column < size; column += 1) {
    const pivotAt = rows.findIndex((row, index) => index >= column && row[column] !== 0);
    const pivot = rows[pivotAt];
    assert(pivot !== undefined, "any k units determine the others");
    [rows[pivotAt], rows[column]] = [rows[column] ?? [], pivot];
    scale(pivot, exponents[ORDER - (logarithms[pivot[column] ?? 1] ?? 0)] ?? 1);
    for (const row of rows) if (row !== pivot) subtract(row, pivot, row[column] ?? 0);
  }
  return rows.map((row) => row.slice(size));
}

function scale(row: number[], factor: number): void {
  for (const [at, value] of row.entries()) row[at] = products[factor * 256 + value] ?? 0;
}

function subtract(row: number[], other: Row, factor: number): void {
  for (const [at, value] of other.entries()) {
    row[at] = (row[at] ?? 0) ^ (products[factor * 256 + value] ?? 0);
  }
}
