// Lets what happens in the background in minutes, or after many megabytes, happen in the laboratory's seconds:
// KINTSUGI_HASTE=60 divides what passes through here by sixty. It is less then, and means the same: no safety rests on
// how much it is.

const HASTE_MAX = 1_000;

/** What takes days would be nowhere near its end in an hour's laboratory: KINTSUGI_SCRUB_HASTE divides it once more. */
const scrubFactor = Math.max(Number(process.env["KINTSUGI_SCRUB_HASTE"]) || 1, 1);

const factor = Math.min(Math.max(Number(process.env["KINTSUGI_HASTE"]) || 1, 1), HASTE_MAX);

/** The time itself (or the bytes after which something is done), unless the laboratory is in a hurry. */
export function inHaste(amount: number): number {
  return amount / factor;
}

/** The time of a pass over everything, which is in haste already. */
export function inScrubHaste(timeMs: number): number {
  return timeMs / scrubFactor;
}
