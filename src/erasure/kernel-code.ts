// The erasure kernel: WebAssembly made for one matrix of factors, with nothing beyond the plain vector instructions.
//
// A factor is a sum of powers of two, so an output is found as a polynomial is evaluated by Horner: beginning with the
// highest bit, double what there is, and add every input whose factor has this bit. Doubling a vector of bytes is an
// addition, and the polynomial where a bit fell out. The inputs to be added for one bit are one of few sums of up to
// four inputs each; these sums are made once and serve all bits of all outputs. No table is looked up: that costs more
// than it saves, even with the lookups of relaxed vector instructions (docs/decisions/0013).

import { assert } from "../util/assert.ts";
import {
  branch,
  branchIf,
  get,
  i32,
  loop,
  set,
  v128,
  when,
  WasmFunction,
} from "../util/wasm-code.ts";
import type { Code } from "../util/wasm-code.ts";
import { POLYNOMIAL, type Matrix, type Row } from "./galois.ts";

/** A kernel is not called for fewer bytes than this, and goes in steps of it. */
export const KERNEL_STEP_BYTES = 32;
const VECTOR_BYTES = 16;
/** Of so many inputs all sums that are needed are made beforehand: at most 15. */
const GROUP_SIZE = 4;
const BITS = 8;

const POINTERS = 0;
const LENGTH = 1;

interface Variables {
  /** Pointers to inputs and outputs. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** How far all of them are. */
  readonly at: number;
  readonly polynomial: number;
  readonly zero: number;
}

/**
 * `run(pointers, length)`: at `pointers` stand the addresses of the inputs and after them those of the outputs, four
 * bytes each. Fills `length` bytes of every output, at least KERNEL_STEP_BYTES. Outputs must not overlap inputs.
 */
export function kernelCode(rows: Matrix): Uint8Array {
  const code = new WasmFunction(["i32", "i32"]);
  const pointer = (): number => code.local("i32");
  const inputs = (rows[0] ?? []).map(pointer);
  const outputs = rows.map(pointer);
  const at = pointer();
  const last = pointer();
  const polynomial = code.local("v128");
  const zero = code.local("v128");
  for (const [index, local] of [...inputs, ...outputs].entries()) {
    code.emit(set(local, i32.load(get(POINTERS), 4 * index)));
  }
  code.emit(
    set(last, i32.subtract(get(LENGTH), i32.constant(KERNEL_STEP_BYTES))),
    set(polynomial, v128.constant8(POLYNOMIAL)),
  );
  const variables = { inputs, outputs, at, polynomial, zero };
  const columns = Array.from({ length: KERNEL_STEP_BYTES / VECTOR_BYTES }, (_, nth) =>
    columnCode(code, rows, variables, nth * VECTOR_BYTES),
  );
  code.emit(
    loop(
      ...columns,
      set(at, i32.add(get(at), i32.constant(KERNEL_STEP_BYTES))),
      branchIf(i32.isLessOrEqualUnsigned(get(at), get(last)), 0),
      // What is left is less than a step: the last step is made again, so that it ends with the units.
      when(i32.isUnequal(get(at), get(LENGTH)), set(at, get(last)), branch(1)),
    ),
  );
  return code.module();
}

/** One vector of every output. */
function columnCode(code: WasmFunction, rows: Matrix, variables: Variables, offset: number): Code {
  const { inputs, outputs, at } = variables;
  const address = (pointer: number): Code => i32.add(get(pointer), get(at));
  const column: Code[] = [];
  const vectors = inputs.map((pointer) => {
    const vector = code.local("v128");
    column.push(set(vector, v128.load(address(pointer), offset)));
    return vector;
  });
  const groups = Array.from({ length: Math.ceil(vectors.length / GROUP_SIZE) }, (_, nth) => {
    const first = nth * GROUP_SIZE;
    const sums = new GroupSums(code, first, vectors.slice(first, first + GROUP_SIZE));
    column.push(sums.prepare(rows));
    return sums;
  });
  const totals = rows.map(() => code.local("v128"));
  for (let bit = BITS - 1; bit >= 0; bit -= 1) {
    for (const [nth, row] of rows.entries()) {
      const total = totals[nth] ?? 0;
      const isBegun = row.some((factor) => factor >> (bit + 1) !== 0);
      const doubled = isBegun ? [doubledCode(total, variables)] : [];
      const terms = [...doubled, ...groups.flatMap((group) => group.sumOf(row, bit))];
      if (terms.length > 0) column.push(set(total, terms.reduce(v128.xor)));
    }
  }
  for (const [nth, pointer] of outputs.entries()) {
    column.push(v128.store(address(pointer), get(totals[nth] ?? 0), offset));
  }
  return column;
}

/** Twice the vector: where the highest bit of a byte falls out, the byte is reduced by the polynomial. */
function doubledCode(vector: number, { polynomial, zero }: Variables): Code {
  const hasHighestBit = v128.isLess8(get(vector), get(zero));
  return v128.xor(v128.add8(get(vector), get(vector)), v128.and(hasHighestBit, get(polynomial)));
}

/** The sums of some of up to four neighbouring inputs, each made once. Members are named by the bits of a number. */
class GroupSums {
  readonly #code: WasmFunction;
  readonly #first: number;
  readonly #size: number;
  readonly #locals = new Map<number, number>();

  constructor(code: WasmFunction, first: number, vectors: readonly number[]) {
    this.#code = code;
    this.#first = first;
    this.#size = vectors.length;
    for (const [index, vector] of vectors.entries()) this.#locals.set(1 << index, vector);
  }

  /** Makes all sums that the rows need. */
  prepare(rows: Matrix): Code {
    const code: Code[] = [];
    for (let bit = BITS - 1; bit >= 0; bit -= 1) {
      for (const row of rows) code.push(this.#make(this.#members(row, bit)));
    }
    return code;
  }

  /** The inputs whose factors have this bit: one sum, or nothing. */
  sumOf(row: Row, bit: number): readonly Code[] {
    const local = this.#locals.get(this.#members(row, bit));
    return local === undefined ? [] : [get(local)];
  }

  #make(members: number): Code {
    if (members === 0 || this.#locals.has(members)) return [];
    const lowest = members & -members;
    const rest = this.#make(members ^ lowest);
    const local = this.#code.local("v128");
    const sum = v128.xor(this.#get(members ^ lowest), this.#get(lowest));
    this.#locals.set(members, local);
    return [rest, set(local, sum)];
  }

  #get(members: number): Code {
    const local = this.#locals.get(members);
    assert(local !== undefined, "a sum is made before it is used");
    return get(local);
  }

  #members(row: Row, bit: number): number {
    let members = 0;
    for (let index = 0; index < this.#size; index += 1) {
      if ((((row[this.#first + index] ?? 0) >> bit) & 1) === 1) members |= 1 << index;
    }
    return members;
  }
}
