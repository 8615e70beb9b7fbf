// A steady load before, while and after something hangs, in the short form of tests; KINTSUGI_TEST_STOP_SECONDS: how long
// it hangs at least, and how long requests took is printed then.

import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../until.ts";
import type { Hang } from "./hang-library.ts";
import { SteadyLoad, type LoadOptions } from "./steady-load.ts";

/** Of any request: one deadline of a drive's call, and what a busy machine adds. */
export const LONGEST_MS = 15_000;
/** Requests that must go through while it hangs, before it answers again. */
const GOOD_WHILE_HUNG = 60;
const GOOD_BESIDE = 30;
const HUNG_MS_MIN = Number(process.env["KINTSUGI_TEST_STOP_SECONDS"] ?? 0) * 1_000;
/** Requests that meet the hang itself, of those that only come after it was noticed. */
const SURPRISED_MS = 15_000;

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
  // As long as what it is compared with.
  await sleep(HUNG_MS_MIN);
  await hang.begin();
  const begunAt = performance.now();
  const hungFor = (ms: number): Promise<void> =>
    until(ms + 30_000, `it hangs for ${ms} ms`, () => performance.now() - begunAt >= ms);
  await goOn("hung", GOOD_WHILE_HUNG, 90_000);
  if (HUNG_MS_MIN > 0) {
    await hungFor(SURPRISED_MS);
    load.phase = "going on";
    await hungFor(HUNG_MS_MIN);
  }
  await hang.end();
  await goOn("after", GOOD_BESIDE, 30_000);
  await load.stop();
  if (HUNG_MS_MIN > 0) {
    const phases = ["before", "hung", "going on", "after"];
    process.stdout.write(`${phases.map((phase) => load.figures(phase)).join("; ")}\n`);
  }
  await load.verify();
  return load;
}
