// The jobs of the admin API, done by the object store.

import { AdminError } from "../admin/admin-error.ts";
import type { AdminJobs } from "../admin/admin-jobs.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";

export function adminJobsOf(store: OpenObjectStore): AdminJobs {
  return {
    verify: () => notYet("verify"),
    compact: () => notYet("compact"),
    sweep: ({ isDryRun }, emit, signal) =>
      store.sweepOrphans({
        isDryRun,
        signal,
        onProgress: (progress) => void emit("progress", progress),
      }),
  };
}

function notYet(name: string): Promise<never> {
  return Promise.reject(new AdminError(501, "NotImplemented", `${name} is not there yet`));
}
