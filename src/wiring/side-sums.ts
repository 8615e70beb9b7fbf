// What the admin API says of a server of several workers: what each says of itself, added up.

import type { AdminJobs } from "../admin/admin-jobs.ts";
import type { AdminKeys } from "../admin/admin-keys.ts";
import type { OtherProcesses } from "../admin/process-metrics.ts";
import type { DriveCalls } from "../store/drive.ts";
import type { OpenObjectStore } from "../store/open-object-store.ts";
import type { DriveStatus, StoreStatus } from "../store/store-status.ts";
import { sumOfCounts, type CountsView } from "../telemetry/summed-counts.ts";
import { adminJobsOf } from "./admin-jobs.ts";
import type { SideDoor } from "./side-door.ts";
import type { SideFigures } from "./side-protocol.ts";

/** What the lead says of itself. */
export interface LeadParts {
  readonly store: OpenObjectStore;
  readonly keyring: AdminKeys;
  readonly counts: CountsView;
}

/** What the admin API asks for. */
export interface WholeServer {
  readonly inspect: () => Promise<StoreStatus>;
  readonly jobs: AdminJobs;
  readonly keys: AdminKeys;
  readonly counts: CountsView;
  readonly others: () => OtherProcesses;
}

/** Of the lead and the workers beside it, where there are any. */
export function withSides(lead: LeadParts, door: SideDoor | undefined): WholeServer {
  const { store, keyring, counts } = lead;
  const jobs = adminJobsOf(store);
  if (door === undefined) {
    const others = { figures: [], pastCpuSeconds: 0 };
    const inspect = () => store.inspect();
    return { inspect, jobs, keys: keyring, counts, others: () => others };
  }
  return {
    inspect: async () => {
      await door.refresh();
      return withCalls(await store.inspect(), door.figures);
    },
    jobs: {
      ...jobs,
      compact: async (query, emit, signal) => {
        // A pack that may still grow is not emptied.
        if (query.isAll) await door.sealPacks();
        return jobs.compact(query, emit, signal);
      },
    },
    keys: keysOfAll(keyring, door),
    counts: {
      get openCount() {
        return sumOfCounts([counts, door.counts]).openCount;
      },
      get operations() {
        return sumOfCounts([counts, door.counts]).operations;
      },
    },
    others: () => ({
      figures: door.figures.map(({ process }) => process),
      pastCpuSeconds: door.pastCpuSeconds,
    }),
  };
}

/** A key is used only once every worker can read what it wraps. */
function keysOfAll(keyring: AdminKeys, door: SideDoor): AdminKeys {
  return {
    status: () => keyring.status(),
    export: async () => {
      const exported = await keyring.export();
      await door.refreshKeys();
      return exported;
    },
    confirm: async (id) => {
      await keyring.confirm(id);
      await door.refreshKeys();
    },
  };
}

/** What the lead's store says has its sides in it but for the calls to drives, which are counted here. */
function withCalls(status: StoreStatus, sides: readonly SideFigures[]): StoreStatus {
  const drives = status.drives.map((drive): DriveStatus => {
    const seen = sides.flatMap(({ calls }) => calls.get(drive.driveId) ?? []);
    return { ...drive, calls: drive.calls && seen.reduce(sumOfCalls, drive.calls) };
  });
  return { ...status, drives };
}

function sumOfCalls(a: DriveCalls, b: DriveCalls): DriveCalls {
  return {
    goodCount: a.goodCount + b.goodCount,
    errorCount: a.errorCount + b.errorCount,
    lastError: a.lastError ?? b.lastError,
  };
}
