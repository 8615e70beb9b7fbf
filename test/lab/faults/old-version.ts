// F15: what version 1 left is taken over by this version, which is killed at each step of that; what is started next goes
// on, or begins anew, and everything is there, then and after another kill -9.

import type { CrashPoint } from "../../../src/util/crash-point.ts";
import { givenFolder } from "../../support/kintsugi-process.ts";
import { dieAtFirstStart } from "../first-start-points.ts";
import { oneOf, type Trial } from "./fault-trial.ts";

/** What the first start on such a folder passes. */
const STEPS = [
  "snapshot.made",
  "journal.snapshot-written",
  "journal.snapshot-named",
  "snapshot.copied",
  "recovery.chain-begun",
  "recovery.epoch-opened",
  "metadata.durable",
  "journal.promised",
] as const satisfies readonly [CrashPoint, ...CrashPoint[]];

export async function dieTakingOver({ random, journal }: Trial): Promise<void> {
  const name = oneOf<CrashPoint>(random, STEPS);
  const base = await givenFolder();
  const wasHit = await dieAtFirstStart({ name, base, random, journal, isOld: true });
  journal.note(`taking over version 1, ${wasHit ? "killed" : "not killed"} at ${name}`);
}
