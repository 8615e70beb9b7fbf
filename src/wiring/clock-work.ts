// The time among the changes of the metadata, noted in the background: for restores to a time.

import { startWorker, type Worker } from "../background/worker.ts";
import { ClockMarks, MARK_EVERY_MS } from "../backup/clock-marks.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import type { CloseStack } from "./close-stack.ts";

export interface ClockParts {
  readonly metadata: MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function startClockWork(
  { metadata, clock, logger }: ClockParts,
  closeStack: CloseStack,
): Worker {
  const marks = new ClockMarks(metadata, clock);
  const step = (): Promise<"idle"> => marks.step();
  const worker = startWorker({ name: "clock", step, idleMs: MARK_EVERY_MS }, logger);
  closeStack.add(() => worker.stop());
  return worker;
}
