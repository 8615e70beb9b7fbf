// Flips single bits of files in place, as rot does, and remembers them so that they can be flipped back.

import { open, stat } from "node:fs/promises";
import type { SeededRandom } from "../../../src/util/seeded-random.ts";

export interface Flip {
  readonly path: string;
  readonly offset: number;
  readonly bit: number;
}

/** A random bit of the file; undefined when it is empty. */
export async function pickBit(path: string, random: SeededRandom): Promise<Flip | undefined> {
  const { size } = await stat(path);
  return size === 0 ? undefined : { path, offset: random.below(size), bit: random.below(8) };
}

/** A second time undoes it. */
export async function flipBit({ path, offset, bit }: Flip): Promise<void> {
  const file = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8() ^ (1 << bit));
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}
