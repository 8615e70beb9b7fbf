// Makes the lost units of a window, one stripe after the other, so that each is still in the processor's nearest cache when it
// is needed again: what was read is checked, the lost units are decoded, one that is there is decoded once more from another k
// with a new one among them and must come out the same, and the new ones get their checksums.

import { KERNEL_STEP_BYTES } from "../../erasure/kernel-code.ts";
import type { ErasureCodec } from "../../erasure/erasure-codec.ts";
import { deriveUnits, derivingKernel, type Derivation } from "../../erasure/unit-deriver.ts";
import { RepairFault } from "./repair-fault.ts";
import type { ShardWindow } from "./shard-window.ts";

/** What is made of each stripe of a window, and how that is checked. */
interface Steps {
  readonly inputs: readonly number[];
  readonly first: Derivation;
  readonly second: Derivation;
}

/**
 * `lost`: the shards that are made. `isChecked`: the blocks that were read are known to be good.
 * @returns false where one of them is not what was written.
 * @throws RepairFault where the shards do not fit together.
 */
export function decodeWindow(
  codec: ErasureCodec,
  window: ShardWindow,
  lost: readonly number[],
  isChecked: boolean,
): boolean {
  const steps = stepsOf(window, lost);
  const { first, end } = window.stripes;
  for (let stripe = first; stripe < end; stripe += 1) {
    if (!isChecked && !steps.inputs.every((index) => window.isRight(index, stripe))) return false;
    makeUnits(codec, window, steps, stripe);
    for (const index of lost) window.seal(index, stripe);
  }
  return true;
}

function stepsOf({ present, run }: ShardWindow, lost: readonly number[]): Steps {
  const inputs = [...present].slice(0, run.set.dataShards);
  const outputs = lost.filter((index) => !present.has(index));
  const [taken, ...others] = outputs;
  const [dropped, ...kept] = inputs;
  const first = { inputs, outputs };
  if (taken === undefined || dropped === undefined) {
    return { inputs, first, second: { inputs, outputs: [] } };
  }
  return {
    inputs,
    first,
    second: { inputs: [...kept, taken], outputs: [dropped, ...others] },
  };
}

function makeUnits(
  codec: ErasureCodec,
  window: ShardWindow,
  { first, second }: Steps,
  stripe: number,
): void {
  if (first.outputs.length === 0) return;
  const { set } = window.run;
  const unitBytes = window.unitBytes(stripe);
  const { memory } = window;
  const scratchOf = (index: number): number => second.outputs.indexOf(index);
  if (memory !== undefined && unitBytes >= KERNEL_STEP_BYTES) {
    const addressOf = (index: number): number => window.addressOf(index, stripe);
    derivingKernel(set, first).run(memory, unitBytes, addressOf);
    derivingKernel(set, second).run(memory, unitBytes, (index) => {
      const nth = scratchOf(index);
      return nth < 0 ? addressOf(index) : window.scratchAddress(nth);
    });
  } else {
    const geometry = { ...set, unitBytes };
    const unit = (index: number): [number, Uint8Array] => [index, window.unit(index, stripe)];
    const made = new Map([...first.inputs, ...first.outputs].map(unit));
    deriveUnits(codec, geometry, first, made);
    const again = new Map([
      ...second.inputs.map(unit),
      ...second.outputs.map((index, nth) => [index, window.scratch(nth, stripe)] as const),
    ]);
    deriveUnits(codec, geometry, second, again);
  }
  const isSame = second.outputs.every(
    (index, nth) => Buffer.compare(window.unit(index, stripe), window.scratch(nth, stripe)) === 0,
  );
  if (!isSame) throw new RepairFault("disagrees", "its shards decode to different bytes");
}
