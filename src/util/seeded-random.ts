// Random numbers that a seed repeats: for simulated faults and random tests, never for secrets or ids.

export interface SeededRandom {
  /** An integer from 0 to `end` (exclusive). */
  below(end: number): number;
}

/** Numbers that depend on the seed alone (a 32-bit counter, scrambled by two multiplications). */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return { below: (end) => Math.floor((next() / 0x1_0000_0000) * end) };
}
