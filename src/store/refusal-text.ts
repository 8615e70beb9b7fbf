// What a pack says of an entry in a pack that was refused after it was durable: nobody was promised it, and whoever makes
// the metadata anew from the drives passes over it. Text of an entry of its own, JSON with a version (docs/FORMATS.md).

import type { SetId } from "../core/ids.ts";

export interface RefusedPlace {
  readonly setId: SetId;
  /** Where its blocks begin in the shards of the pack. */
  readonly offset: number;
}

const START = '{"v":2,"refused":';

export function renderRefusal({ setId, offset }: RefusedPlace): string {
  return `${START}${JSON.stringify({ set: setId, offset })}}`;
}

/** Undefined for text that says something else. */
export function findRefusal(text: string | undefined): RefusedPlace | undefined {
  // It was checked against a checksum, and is our own writing.
  if (text?.startsWith(START) !== true) return undefined;
  const { refused } = JSON.parse(text) as { readonly refused: { set: SetId; offset: number } };
  return { setId: refused.set, offset: refused.offset };
}
