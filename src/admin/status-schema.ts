// What `GET /v1/status` answers, as JSON Schema.

import type { WorkerStatus } from "../background/worker.ts";
import type { JournalReport, MetadataTotals } from "../metadata/metadata-store.ts";
import type { DriveState, DriveStatus, QuotaStatus } from "../store/store-status.ts";
import { HEALING_ID } from "./healing-schema.ts";
import type { JobName, JobStatus } from "./job-desk.ts";
import {
  count,
  flag,
  instant,
  listOf,
  maybe,
  number,
  objectOf,
  oneOf,
  reference,
  text,
} from "./json-schema.ts";
import type { StatusReport } from "./status-report.ts";

const space = objectOf<NonNullable<DriveStatus["space"]>>({
  freeBytes: count(),
  totalBytes: count(),
  freeInodes: maybe(count()),
  totalInodes: maybe(count()),
});

const DRIVE_STATES = ["absent", "away", "good", "short", "slow"] satisfies readonly DriveState[];

const drive = objectOf<DriveStatus>({
  driveId: text(),
  label: maybe(text("a folder, or a node's address and slot")),
  state: oneOf(
    DRIVE_STATES,
    "short: of room. away: it does not answer. absent: not seen since the start",
  ),
  device: maybe(text("drives of one device fail together")),
  space: maybe(space),
  calls: maybe(
    objectOf<NonNullable<DriveStatus["calls"]>>({
      goodCount: count(),
      errorCount: count(),
      lastError: maybe(text()),
    }),
  ),
  readMs: maybe(number("what one read in twenty takes longer than, in milliseconds")),
});

const disks = objectOf<StatusReport["disks"]>({
  count: count("distinct devices under the drives that are there"),
  mayFailBeforeLoss: count("disks that may fail, whichever they are, without loss"),
  mayFailBeforeOutage: count("the same, without writes being refused"),
  drivesMayBeLost: count("drives instead of disks, where drives share them"),
});

const totals = objectOf<MetadataTotals>({
  buckets: count(),
  objects: count(),
  objectBytes: count(),
  openUploads: count(),
  sets: count("shard sets in use, packs among them"),
  packs: count(),
  degradedSets: count("sets of which shards are missing or broken"),
  trashedSets: count(),
});

const journal = objectOf<JournalReport>({
  epoch: count(),
  sequence: count(),
  quorum: count("how many must hold a change before it is acknowledged"),
  members: listOf(
    objectOf<JournalReport["members"][number]>({
      driveId: text(),
      label: text(),
      state: oneOf(["away", "behind", "good"]),
      sequence: count("the last change that it is known to hold"),
      problem: maybe(text()),
    }),
  ),
});

const WORKER_STATES = [
  "failing",
  "idle",
  "resting",
  "running",
  "stopped",
] satisfies readonly WorkerStatus["state"][];

const worker = objectOf<WorkerStatus>({
  name: text(),
  state: oneOf(WORKER_STATES),
  stepCount: count(),
  failureCount: count(),
  lastError: maybe(text()),
});

const job = objectOf<JobStatus>({
  name: oneOf(["compact", "sweep", "verify"] satisfies readonly JobName[]),
  startedAt: instant(),
  progress: maybe({ type: "object", description: "what it said of its progress last" }),
});

export const STATUS_ID = "Status";

export const statusSchema = objectOf<StatusReport>({
  version: text(),
  clusterId: text(),
  endpoint: text("where S3 is served"),
  startedAt: instant(),
  uptimeSeconds: count(),
  processes: count("worker processes that serve"),
  isWell: flag("whether there are no problems"),
  problems: listOf(text(), "in sentences"),
  remarks: listOf(text(), "what was odd at the start"),
  disks,
  geometry: objectOf<StatusReport["geometry"]>({ dataShards: count(), parityShards: count() }),
  drives: listOf(drive),
  isWritable: flag("whether new objects are taken"),
  writeQuorum: count("how many drives a write takes now"),
  totals,
  quotas: listOf(
    objectOf<QuotaStatus>({ bucket: text(), quotaBytes: count(), objectBytes: count() }),
    "of the buckets that have one, the fullest first, at most 100",
  ),
  journal: maybe(journal),
  metadata: objectOf<StatusReport["metadata"]>({
    isWritable: flag(),
    space: maybe(space),
    isShort: flag(),
  }),
  openReadings: count(),
  litter: count("shards of failed writes that wait for their drive"),
  workers: listOf(worker, "work in the background"),
  healing: maybe(reference(HEALING_ID)),
  jobs: listOf(job, "what somebody asked for and is under way"),
  certificateEndsAt: maybe(instant()),
});
