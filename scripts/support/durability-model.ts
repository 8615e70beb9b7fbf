// How likely drives that fail by themselves take data with them: a Markov chain over the number of drives that are gone,
// with drives that hold a bad place nobody has read yet. What it leaves out is in docs/OPERATIONS.md, "Durability".

const HOURS_A_YEAR = 8_766;
const SECONDS_AN_HOUR = 3_600;
const HOURS_A_DAY = 24;

export interface DriveAssumptions {
  /** Drives of the cluster; each set lies on `dataShards` and `parityShards` of them. */
  readonly driveCount: number;
  readonly dataShards: number;
  readonly parityShards: number;
  /** What is on a drive. */
  readonly driveBytes: number;
  /** Of so many drives in operation this share fails in a year, from 0 to below 1. */
  readonly failuresAYear: number;
  /** From the failure until another drive is in its place. */
  readonly replaceHours: number;
  /** Bytes of shards that repair writes a second. */
  readonly repairBytes: number;
  /** Places that become unreadable on a drive in a year. */
  readonly badPlacesAYear: number;
  /** The scrub reads everything once in so long, and repairs what it cannot read. */
  readonly scrubDays: number;
}

/** Chances within a year, from 0 to 1. */
export interface LossChances {
  /** More drives are gone than parity replaces. */
  readonly drives: number;
  /** As many are gone as parity replaces, and one that is left has a bad place: one object, or some small ones. */
  readonly place: number;
}

/** What may happen while so many drives are gone; rates an hour. */
interface State {
  readonly fail: number;
  readonly repair: number;
  /** To the loss of a place, at any moment. */
  readonly lose: number;
  /** Of the failures, the share that finds a bad place on the drives that are left. */
  readonly unlucky: number;
}

export function lossChances(assumptions: DriveAssumptions): LossChances {
  const states = statesOf(assumptions);
  const last = states.at(-1);
  if (last === undefined) return { drives: 0, place: 0 };
  const hours = solve(states, () => 1);
  const byDrives = solve(states, (state) => (state === last ? state.fail : 0));
  const byPlaces = solve(states, ({ fail, lose, unlucky }) => lose + fail * unlucky);
  return { drives: chanceOf(byDrives / hours), place: chanceOf(byPlaces / hours) };
}

/** By rate an hour. */
function chanceOf(rate: number): number {
  return -Math.expm1(-rate * HOURS_A_YEAR);
}

/** One a number of drives that may be gone: from none to as many as parity replaces. */
function statesOf(assumptions: DriveAssumptions): readonly State[] {
  const { driveCount, parityShards, failuresAYear, badPlacesAYear, scrubDays } = assumptions;
  const failure = -Math.log1p(-failuresAYear) / HOURS_A_YEAR;
  const badPlace = badPlacesAYear / HOURS_A_YEAR;
  const hoursGone = hoursUntilWhole(assumptions);
  // On average a place is bad for half a pass before it is found, and more may become bad until the drive is replaced.
  const exposedHours = (scrubDays * HOURS_A_DAY) / 2 + hoursGone;
  return Array.from({ length: parityShards + 1 }, (_, goneCount): State => {
    const leftCount = driveCount - goneCount;
    const isNextCritical = goneCount + 1 === parityShards;
    return {
      fail: leftCount * failure,
      repair: goneCount === 0 ? 0 : 1 / hoursGone,
      lose: parityShards === 0 ? leftCount * badPlace : 0,
      unlucky: isNextCritical ? -Math.expm1(-(leftCount - 1) * badPlace * exposedHours) : 0,
    };
  });
}

/** From a failure until all is as before. */
export function hoursUntilWhole(assumptions: DriveAssumptions): number {
  const { driveBytes, repairBytes, replaceHours } = assumptions;
  return replaceHours + driveBytes / repairBytes / SECONDS_AN_HOUR;
}

/**
 * What gathers from state 0 until data is lost, at the rate that `gain` says while the chain is in a state. A state's sum is
 * `own + (1 - end) * sum of the next`; `end` is kept instead of its difference from 1, which would be rounded away.
 */
function solve(states: readonly State[], gain: (state: State) => number): number {
  const steps: { readonly own: number; readonly end: number }[] = [];
  for (const state of states) {
    const { fail, repair, lose, unlucky } = state;
    const before = steps.at(-1) ?? { own: 0, end: 0 };
    const ends = lose + fail * unlucky + repair * before.end;
    const sum = fail * (1 - unlucky) + ends;
    steps.push({ own: (gain(state) + repair * before.own) / sum, end: ends / sum });
  }
  // After the last failure nothing more is gathered.
  return steps.reduceRight((next, { own, end }) => own + (1 - end) * next, 0);
}
