// How long a day is to lifecycles: 24 hours, from midnight to midnight UTC. KINTSUGI_LIFECYCLE_DAY_SECONDS makes days as
// short as tests without a movable clock need them; it is for tests alone, and said loudly where the worker starts.

const REAL_DAY_MS = 86_400_000;

const seconds = Number(process.env["KINTSUGI_LIFECYCLE_DAY_SECONDS"] ?? Number.NaN);

/** In milliseconds. */
export const DAY_MS = seconds > 0 ? Math.min(Math.ceil(seconds * 1_000), REAL_DAY_MS) : REAL_DAY_MS;

/** Whether days are not what they are. */
export const hasShortDays = DAY_MS !== REAL_DAY_MS;

/** The number of the day that a time falls on. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS);
}
