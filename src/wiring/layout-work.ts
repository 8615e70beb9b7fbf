// Drives that come and go, and sets that are cut anew, as background work over the store.

import { startWorker, type Worker } from "../background/worker.ts";
import type { RepairSettings } from "../config/repair-settings.ts";
import { LayoutMover } from "../layout/layout-mover.ts";
import { Reshaper } from "../layout/reshaper.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import { limitsBeside } from "../repair/throttle.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inHaste } from "../util/lab-haste.ts";
import type { CloseStack } from "./close-stack.ts";

const MIB = 1024 * 1024;
/** How often it is asked whether drives come or go, and whether what they wait for is over. */
const LAYOUT_IDLE_MS = inHaste(1_000);

export interface LayoutParts {
  readonly metadata: MetadataStore;
  readonly store: OpenObjectStore;
  readonly tellOthers: () => Promise<void>;
  /** See ReshaperOptions. */
  readonly followMembers: () => Promise<string | undefined>;
  /** What it writes is as fast as what repair writes; the defaults, where undefined. */
  readonly settings: RepairSettings | undefined;
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
  readonly logger: Logger;
}

export interface LayoutWork {
  readonly mover: LayoutMover;
  readonly reshaper: Reshaper;
  readonly workers: readonly Worker[];
  /** Asks them to go on now. */
  readonly wake: () => void;
}

export function startLayoutWork(parts: LayoutParts, closeStack: CloseStack): LayoutWork {
  const { settings } = parts;
  const pace = settings && { limits: limitsBeside(settings.repairRate * MIB) };
  const mover = new LayoutMover({ ...parts, ...pace });
  const reshaper = new Reshaper({ ...parts, ...pace });
  const rest = { idleMs: LAYOUT_IDLE_MS, restFactor: 0 };
  const workers = [
    { name: "layout", step: (signal: AbortSignal) => mover.step(signal), ...rest },
    { name: "reshape", step: (signal: AbortSignal) => reshaper.step(signal), ...rest },
  ].map((work) => startWorker(work, parts.logger));
  for (const worker of workers) closeStack.add(() => worker.stop());
  return {
    mover,
    reshaper,
    workers,
    wake: () => {
      mover.hurry();
      reshaper.hurry();
      for (const worker of workers) worker.wake();
    },
  };
}
