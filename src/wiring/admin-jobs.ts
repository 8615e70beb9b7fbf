// The jobs of the admin API, done by the object store.

import type { AdminJobs, Emit } from "../admin/admin-jobs.ts";
import { COMPACT_DEAD_SHARE, type OpenObjectStore } from "../store/open-object-store.ts";

/** Any dead byte makes a pack worth emptying for who asks for all. */
const ANY_SHARE = Number.EPSILON;

export function adminJobsOf(store: OpenObjectStore): AdminJobs {
  return {
    verify: (query, emit, signal) =>
      store.verifyObjects(query, {
        onProgress: progressTo(emit),
        onFinding: (finding) => emit("finding", finding),
        signal,
      }),
    compact: ({ isAll }, emit, signal) =>
      store.compactPacks({
        deadShareMin: isAll ? ANY_SHARE : COMPACT_DEAD_SHARE,
        sealsOpen: isAll,
        onProgress: progressTo(emit),
        signal,
      }),
    sweep: ({ isDryRun }, emit, signal) =>
      store.sweepOrphans({ isDryRun, onProgress: progressTo(emit), signal }),
  };
}

/** Nobody waits for what only says how far the work is. */
function progressTo(emit: Emit): (progress: object) => void {
  return (progress) => void emit("progress", progress);
}
