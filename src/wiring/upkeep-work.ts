// What a store needs done beside its requests: the trash emptied, packs compacted, orphans swept, and lifecycles followed.

import { startWorker, type Worker } from "../background/worker.ts";
import type { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inHaste } from "../util/lab-haste.ts";

/** How often the trash is looked at while there is nothing to do. */
const TRASH_IDLE_MS = inHaste(5_000);
/** How often it is asked whether a drive is due for a sweep. */
const SWEEP_IDLE_MS = inHaste(30_000);

/** How often sparse packs are looked for while there are none. */
const COMPACTION_IDLE_MS = inHaste(30_000);
/** How often it is asked whether a new day has begun, or a bucket has other lifecycle rules. */
const LIFECYCLE_IDLE_MS = inHaste(30_000);
/** Requests have the drives to themselves for most of the time. */
const COMPACTION_REST_FACTOR = 3;

export function startUpkeep(
  store: OpenObjectStore,
  lifecycle: Lifecycle,
  logger: Logger,
): readonly Worker[] {
  return [
    startTrashWorker(store, logger),
    startCompactionWorker(store, logger),
    startSweepWorker(store, logger),
    startLifecycleWorker(lifecycle, logger),
  ];
}

/** Removes the shards of what was deleted. */
function startTrashWorker(store: OpenObjectStore, logger: Logger): Worker {
  return startWorker(
    {
      name: "trash",
      step: async () => ((await store.collectTrash()).removedCount > 0 ? "busy" : "idle"),
      idleMs: TRASH_IDLE_MS,
    },
    logger,
  );
}

/** Empties packs of which much is dead. */
function startCompactionWorker(store: OpenObjectStore, logger: Logger): Worker {
  return startWorker(
    {
      name: "compaction",
      step: async (signal) => ((await store.compactDue(signal)).packCount > 0 ? "busy" : "idle"),
      idleMs: COMPACTION_IDLE_MS,
      restFactor: COMPACTION_REST_FACTOR,
    },
    logger,
  );
}

/** Removes what processes that have ended left behind. */
function startSweepWorker(store: OpenObjectStore, logger: Logger): Worker {
  return startWorker(
    {
      name: "sweep",
      step: async (signal) => {
        await store.sweepDue(signal);
        return "idle";
      },
      idleMs: SWEEP_IDLE_MS,
    },
    logger,
  );
}

/** Removes what the rules of buckets say. */
function startLifecycleWorker(lifecycle: Lifecycle, logger: Logger): Worker {
  return startWorker(
    { name: "lifecycle", step: () => lifecycle.step(), idleMs: LIFECYCLE_IDLE_MS },
    logger,
  );
}
