// What `GET /v1/status` answers: how everything is doing, as plain data, and in sentences whatever somebody should look at.
// The sentences are made here, so that the command line, a console and the metrics agree on what is well.

import type { WorkerStatus } from "../background/worker.ts";
import type { RepairStatus } from "../repair/repair-status.ts";
import type { DriveStatus, StoreStatus } from "../store/store-status.ts";
import type { JobStatus } from "./job-desk.ts";

/** What there is to know beside the store itself. */
export interface ServerFacts {
  readonly version: string;
  readonly clusterId: string;
  /** Where S3 is served. */
  readonly endpoint: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** What was found odd at the start, in sentences. */
  readonly remarks: readonly string[];
}

export interface StatusSources {
  readonly facts: ServerFacts;
  readonly store: StoreStatus;
  /** Whether requests are answered now: a gateway that may have been replaced answers none. */
  readonly isServing: boolean;
  /** Worker processes that serve. */
  readonly processCount: number;
  readonly workers: readonly WorkerStatus[];
  readonly healing?: RepairStatus;
  readonly jobs: readonly JobStatus[];
  /** Of TLS; milliseconds since 1970, undefined without TLS. */
  readonly certificateEndsAt?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface StatusReport extends Omit<StoreStatus, "tolerance"> {
  readonly version: string;
  readonly clusterId: string;
  readonly endpoint: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  /** Worker processes that serve. */
  readonly processes: number;
  /** Whether there are no problems. */
  readonly isWell: boolean;
  readonly problems: readonly string[];
  /** What was odd at the start. */
  readonly remarks: readonly string[];
  readonly disks: {
    /** Distinct devices under the drives that are there. */
    readonly count: number;
    readonly mayFailBeforeLoss: number;
    readonly mayFailBeforeOutage: number;
    /** Where drives share disks: drives, instead of disks, that may be lost. */
    readonly drivesMayBeLost: number;
  };
  readonly workers: readonly WorkerStatus[];
  /** What is done about shards that are lost. */
  readonly healing: RepairStatus | undefined;
  readonly jobs: readonly JobStatus[];
  /** When clients begin to refuse the certificate of TLS. */
  readonly certificateEndsAt: string | undefined;
}

/** Whoever renews certificates by a timer does it earlier; who does it by hand has so long. */
const CERTIFICATE_WARNING_MS = 14 * 24 * 60 * 60 * 1_000;

export function makeStatusReport(sources: StatusSources): StatusReport {
  const { facts, workers, jobs, now, isServing, certificateEndsAt } = sources;
  const { tolerance, ...store } = sources.store;
  const problems = [...problemsOf(sources), ...certificateProblems(certificateEndsAt, now)];
  const devices = store.drives.flatMap(({ device }) => device ?? []);
  return {
    version: facts.version,
    clusterId: facts.clusterId,
    endpoint: facts.endpoint,
    startedAt: new Date(facts.startedAt).toISOString(),
    uptimeSeconds: Math.floor((now - facts.startedAt) / 1_000),
    processes: sources.processCount,
    isWell: problems.length === 0,
    problems,
    remarks: facts.remarks,
    disks: {
      count: new Set(devices).size,
      mayFailBeforeLoss: tolerance.disksBeforeLoss,
      mayFailBeforeOutage: tolerance.disksBeforeOutage,
      drivesMayBeLost: tolerance.drivesBeforeLoss,
    },
    ...store,
    isWritable: store.isWritable && isServing,
    workers,
    healing: sources.healing,
    jobs,
    certificateEndsAt:
      certificateEndsAt === undefined ? undefined : new Date(certificateEndsAt).toISOString(),
  };
}

function problemsOf({ store, workers, healing, isServing }: StatusSources): readonly string[] {
  const { drives, journal, metadata, tolerance, totals } = store;
  const problems = drives.flatMap(driveProblems);
  if (!isServing) {
    problems.push("this server does not know whether it is still in charge: it answers no request");
  }
  if (tolerance.isBeyond) {
    problems.push("more is away or lost than parity replaces: some objects cannot be read now");
  }
  if (totals.degradedSets > 0) {
    problems.push(
      `${totals.degradedSets} ${totals.degradedSets === 1 ? "set is" : "sets are"} below full redundancy: ` +
        "kintsugi heal shows what is done about it, kintsugi verify lists the objects",
    );
  }
  const failingCount = healing?.failing.sets ?? 0;
  if (failingCount > 0) {
    const words = failingCount === 1 ? "1 set cannot" : `${failingCount} sets cannot`;
    problems.push(`${words} be repaired now: kintsugi heal says why`);
  }
  if (!metadata.isWritable) {
    problems.push("the metadata takes no changes until the server is started anew");
  } else if (!store.isWritable) {
    problems.push(`too few drives take new objects; a write takes ${store.writeQuorum}`);
  }
  if (metadata.isShort) {
    problems.push("the disk of the metadata is full up to its reserve: new objects are refused");
  }
  for (const { label, state, problem } of journal?.members ?? []) {
    if (state === "good") continue;
    const words = state === "behind" ? "is being brought up to date" : "is away";
    problems.push(`the copy of the metadata on ${label} ${words}${because(problem)}`);
  }
  for (const { name, state, lastError } of workers) {
    if (state === "failing")
      problems.push(`the background work "${name}" fails${because(lastError)}`);
  }
  return problems;
}

function certificateProblems(endsAt: number | undefined, now: number): readonly string[] {
  if (endsAt === undefined || endsAt - now > CERTIFICATE_WARNING_MS) return [];
  const instant = new Date(endsAt).toISOString();
  return [
    endsAt > now
      ? `the certificate of TLS ends at ${instant}: put another in the place of its file, which is read again by itself`
      : `the certificate of TLS ended at ${instant}, and clients refuse it: put another in the place of its file, which is read again by itself`,
  ];
}

function driveProblems({ driveId, label, state, calls }: DriveStatus): string[] {
  const name = label ?? driveId;
  if (state === "absent") return [`drive ${name} has not been there since the start`];
  if (state === "away") return [`drive ${name} is away${because(calls?.lastError)}`];
  if (state === "short")
    return [`drive ${name} is full up to its reserve and takes no new objects`];
  return [];
}

function because(words: string | undefined): string {
  return words === undefined ? "" : `: ${words}`;
}
