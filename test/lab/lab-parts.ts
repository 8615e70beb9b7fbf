// The parts of the laboratory by name.

import { runCrashLoop, type LoopOptions } from "./crash-loop.ts";
import { runFaults } from "./faults/fault-loop.ts";
import { runFlips } from "./flips/flip-loop.ts";
import { runHangs } from "./hang-loop.ts";
import { runHttp } from "./http-loop.ts";
import { runModel } from "./model/model-run.ts";
import { runPoints } from "./points-loop.ts";
import { runPowerLoop } from "./power/power-loop.ts";

type Part = (options: LoopOptions) => Promise<void>;

export const LAB_PARTS = {
  crash: runCrashLoop,
  points: runPoints,
  power: runPowerLoop,
  model: runModel,
  http: runHttp,
  flips: runFlips,
  hang: runHangs,
  faults: runFaults,
} as const satisfies Record<string, Part>;

export type LabPart = keyof typeof LAB_PARTS;

export function isLabPart(name: string): name is LabPart {
  return Object.hasOwn(LAB_PARTS, name);
}
