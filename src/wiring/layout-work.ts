// Drives that come and go, as background work over the store.

import { startWorker, type Worker } from "../background/worker.ts";
import { LayoutMover } from "../layout/layout-mover.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inHaste } from "../util/lab-haste.ts";
import type { CloseStack } from "./close-stack.ts";

/** How often it is asked whether drives come or go, and whether what they wait for is over. */
const LAYOUT_IDLE_MS = inHaste(1_000);

export interface LayoutParts {
  readonly metadata: MetadataStore;
  readonly store: OpenObjectStore;
  readonly tellOthers: () => Promise<void>;
  /** Whether requests are under way. */
  readonly isBusy: () => boolean;
  readonly logger: Logger;
}

export interface LayoutWork {
  readonly mover: LayoutMover;
  readonly worker: Worker;
  /** Asks it to go on now. */
  readonly wake: () => void;
}

export function startLayoutWork(parts: LayoutParts, closeStack: CloseStack): LayoutWork {
  const mover = new LayoutMover(parts);
  const worker = startWorker(
    {
      name: "layout",
      step: (signal) => mover.step(signal),
      idleMs: LAYOUT_IDLE_MS,
      restFactor: 0,
    },
    parts.logger,
  );
  closeStack.add(() => worker.stop());
  return {
    mover,
    worker,
    wake: () => {
      mover.hurry();
      worker.wake();
    },
  };
}
