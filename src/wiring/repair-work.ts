// Repair and scrub, as background work over the store.

import { startWorker, type Worker } from "../background/worker.ts";
import type { RepairSettings } from "../config/repair-settings.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { isWalkDone, type RenewedDrive } from "../repair/renewed-drives.ts";
import { Repair, type RepairOptions } from "../repair/repair.ts";
import { limitsBeside } from "../repair/throttle.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../util/clock.ts";
import { inHaste } from "../util/lab-haste.ts";
import type { CloseStack } from "./close-stack.ts";

/** How often it is asked whether there is something to repair. */
const REPAIR_IDLE_MS = inHaste(2_000);
/** How often it is asked whether a set is due for the scrub. */
const SCRUB_IDLE_MS = inHaste(5_000);
const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1_000;

export interface RepairParts {
  readonly metadata: MetadataStore;
  readonly store: OpenObjectStore;
  /** Drives that are younger than their cluster. */
  readonly renewed: readonly RenewedDrive[];
  /** The defaults, where undefined. */
  readonly settings: RepairSettings | undefined;
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RepairWork {
  readonly repair: Repair;
  readonly workers: readonly Worker[];
  /** Asks it to go on now. */
  readonly wake: () => void;
  /** What a start should tell, in sentences. */
  readonly remarks: readonly string[];
}

export async function startRepair(parts: RepairParts, closeStack: CloseStack): Promise<RepairWork> {
  const { logger, metadata, renewed, store } = parts;
  const repair = new Repair({ ...parts, ...paceOf(parts.settings) });
  const remarks: string[] = [];
  for (const drive of renewed) {
    repair.addRenewed(drive);
    if (await isWalkDone(metadata, drive)) continue;
    const since = new Date(drive.createdAt).toISOString();
    const label = store.labelOf(drive.driveId) ?? drive.driveId;
    remarks.push(
      `${label} was laid out at ${since}, and lacks what others of its cluster have: that is made anew in the background; kintsugi heal shows how far`,
    );
  }
  closeStack.add(() => repair.close());
  const healer = startWorker(
    {
      name: "repair",
      step: (signal) => repair.step(signal),
      idleMs: REPAIR_IDLE_MS,
      restFactor: 0,
    },
    logger,
  );
  const scrubber = startWorker(
    { name: "scrub", step: (signal) => repair.scrub(signal), idleMs: SCRUB_IDLE_MS },
    logger,
  );
  const workers = [healer, scrubber];
  for (const worker of workers) closeStack.add(() => worker.stop());
  return { repair, workers, wake: () => healer.wake(), remarks };
}

function paceOf(
  settings: RepairSettings | undefined,
): Pick<RepairOptions, "limits" | "scrubPassMs"> {
  if (settings === undefined) return {};
  const { repairRate, scrubDays } = settings;
  return {
    limits: limitsBeside(repairRate * MIB),
    scrubPassMs: scrubDays === 0 ? "never" : inHaste(scrubDays * DAY_MS),
  };
}
