// A steady load before, while and after something hangs, in the short form of tests.

import { until } from "../until.ts";
import type { Hang } from "./hang-library.ts";
import { SteadyLoad, type LoadOptions } from "./steady-load.ts";

/** Of any request: one deadline of a drive's call, and what a busy machine adds. */
export const LONGEST_MS = 15_000;
/** Requests that must go through while it hangs, before it answers again. */
const GOOD_WHILE_HUNG = 60;
const GOOD_BESIDE = 30;

/** Resolves to the load, when everything that it was acknowledged was read back. */
export async function loadAround(
  { client, bucket }: Pick<LoadOptions, "bucket" | "client">,
  hang: Pick<Hang, "begin" | "end">,
): Promise<SteadyLoad> {
  const load = new SteadyLoad({ client, bucket, seed: 7, lanes: 3 });
  const goOn = (phase: string, count: number, limitMs: number): Promise<void> => {
    load.phase = phase;
    return until(limitMs, `${count} good requests ${phase}`, () => load.goodIn(phase) > count);
  };
  load.start();
  await goOn("before", GOOD_BESIDE, 30_000);
  await hang.begin();
  await goOn("hung", GOOD_WHILE_HUNG, 90_000);
  await hang.end();
  await goOn("after", GOOD_BESIDE, 30_000);
  await load.stop();
  await load.verify();
  return load;
}
