// Sizes by their short names (`4k`, `16m`, `5g`), and bodies of them.

import { randomBytes } from "node:crypto";

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

const UNITS: Readonly<Record<string, number>> = { "": 1, k: KIB, m: MIB, g: GIB };

/** @returns bytes; nothing for what is not a size. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+)([kmg]?)$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? 1);
}

export function sizeName(bytes: number): string {
  for (const [unit, factor] of [
    ["GiB", GIB],
    ["MiB", MIB],
    ["KiB", KIB],
  ] as const) {
    if (bytes >= factor) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} B`;
}

/** Larger bodies are sent as this many bytes over and over. */
const BLOCK_BYTES = 16 * MIB;

export interface Body {
  readonly body: Buffer;
  readonly repeat: number;
}

const bodies = new Map<number, Body>();

/** Random bytes, the same for a size as long as the process lives. */
export function bodyOf(bytes: number): Body {
  const known = bodies.get(bytes);
  if (known) return known;
  const repeat = bytes > BLOCK_BYTES ? bytes / BLOCK_BYTES : 1;
  if (!Number.isInteger(repeat)) throw new Error(`not a multiple of 16 MiB: ${bytes}`);
  const made = { body: randomBytes(bytes / repeat), repeat };
  bodies.set(bytes, made);
  return made;
}
