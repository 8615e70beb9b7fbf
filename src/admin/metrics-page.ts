// `GET /metrics` for Prometheus, by prom-client. Nothing is counted here: the page is made anew from the status and from
// the plain counts of the S3 pipeline each time somebody asks. Names are a contract with dashboards and alerts.

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { DURATION_BUCKETS_MS, type OperationCounts } from "../telemetry/request-counts.ts";
import type { CountsView } from "../telemetry/summed-counts.ts";
import type { DriveState } from "../store/store-status.ts";
import { addProcessMetrics, type OtherProcesses } from "./process-metrics.ts";
import type { StatusReport } from "./status-report.ts";

export interface MetricsPage {
  readonly text: string;
  readonly contentType: string;
}

const DRIVE_STATES: readonly DriveState[] = ["good", "slow", "short", "away", "absent"];

export async function renderMetrics(
  status: StatusReport,
  counts: CountsView,
  others: OtherProcesses,
): Promise<MetricsPage> {
  const registry = new Registry();
  const meters = metersOn(registry);
  addRequests(meters, counts);
  addDrives(meters, status);
  addObjects(meters, status);
  addQuotas(meters, status);
  addJournal(meters, status);
  addWorkers(meters, status);
  addHealing(meters, status);
  addDurations(registry, counts);
  await addProcessMetrics(registry, others);
  return { text: await registry.metrics(), contentType: registry.contentType };
}

interface Sample {
  readonly labels?: Readonly<Record<string, number | string>>;
  readonly value: number | undefined;
}

interface Meters {
  readonly counter: (name: string, help: string, samples: readonly Sample[]) => void;
  readonly gauge: (name: string, help: string, samples: readonly Sample[]) => void;
}

function metersOn(registry: Registry): Meters {
  const settings = (name: string, help: string, samples: readonly Sample[]) => ({
    name: `kintsugi_${name}`,
    help,
    labelNames: Object.keys(samples[0]?.labels ?? {}),
    registers: [registry],
  });
  return {
    counter: (name, help, samples) => {
      if (samples.length > 0) fill(new Counter(settings(name, help, samples)), samples);
    },
    gauge: (name, help, samples) => {
      if (samples.length > 0) fill(new Gauge(settings(name, help, samples)), samples);
    },
  };
}

function fill(metric: Counter | Gauge, samples: readonly Sample[]): void {
  for (const { labels, value } of samples) {
    if (value !== undefined) metric.inc({ ...labels }, value);
  }
}

function addRequests({ counter, gauge }: Meters, counts: CountsView): void {
  const operations = [...counts.operations];
  const sum = (of: (found: OperationCounts) => number): readonly Sample[] =>
    operations.map(([name, found]) => ({ labels: { operation: nameOf(name) }, value: of(found) }));
  const answers = operations.flatMap(([name, { statuses }]) =>
    [...statuses].map(([status, value]) => ({
      labels: { operation: nameOf(name), status },
      value,
    })),
  );
  counter("s3_requests_total", "Requests answered, by operation and status.", answers);
  const received = sum(({ receivedBytes }) => receivedBytes);
  counter("s3_received_bytes_total", "Bytes of requests' bodies.", received);
  counter(
    "s3_sent_bytes_total",
    "Bytes of answers' bodies.",
    sum(({ sentBytes }) => sentBytes),
  );
  gauge("s3_requests_in_flight", "Requests being answered.", [{ value: counts.openCount }]);
}

/** What was refused before its operation was known. */
function nameOf(operationName: string): string {
  return operationName === "" ? "unknown" : operationName;
}

function addDrives({ counter, gauge }: Meters, { drives }: StatusReport): void {
  const named = drives.map((drive) => ({
    labels: { drive: drive.driveId, label: drive.label ?? "" },
    drive,
  }));
  const states = named.flatMap(({ labels, drive }) =>
    DRIVE_STATES.map((state) => ({
      labels: { ...labels, state },
      value: drive.state === state ? 1 : 0,
    })),
  );
  gauge("drive_state", "1 for the state that a drive is in.", states);
  const space = (what: "freeBytes" | "freeInodes" | "totalBytes" | "totalInodes") =>
    named.map(({ labels, drive }) => ({ labels, value: drive.space?.[what] }));
  gauge("drive_free_bytes", "Room left on a drive.", space("freeBytes"));
  gauge("drive_size_bytes", "Size of a drive.", space("totalBytes"));
  gauge("drive_free_inodes", "Inodes left on a drive.", space("freeInodes"));
  gauge("drive_inodes", "Inodes of a drive.", space("totalInodes"));
  const calls = named.flatMap(({ labels, drive: { calls: found } }) => [
    { labels: { ...labels, result: "good" }, value: found?.goodCount },
    { labels: { ...labels, result: "error" }, value: found?.errorCount },
  ]);
  counter("drive_calls_total", "Calls to a drive for requests, by result.", calls);
}

function addObjects({ gauge }: Meters, status: StatusReport): void {
  const { totals, disks, isWritable, problems, version, certificateEndsAt } = status;
  const one = (name: string, help: string, value: number): void => gauge(name, help, [{ value }]);
  gauge("info", "The version that runs.", [{ labels: { version }, value: 1 }]);
  one("problems", "Things that somebody should look at; the status names them.", problems.length);
  one("writable", "1 while new objects are taken.", isWritable ? 1 : 0);
  one("disks", "Devices under the drives that are there.", disks.count);
  const loss = "Disks that may still fail without loss.";
  one("disks_before_loss", loss, disks.mayFailBeforeLoss);
  const drives = "Drives that may still be lost without loss, also where they share disks.";
  one("drives_before_loss", drives, disks.drivesMayBeLost);
  const outage = "Disks that may still fail while writes go on.";
  one("disks_before_outage", outage, disks.mayFailBeforeOutage);
  if (certificateEndsAt !== undefined) {
    const seconds = Date.parse(certificateEndsAt) / MS;
    one("certificate_end_seconds", "When the certificate of TLS ends, since 1970.", seconds);
  }
  one("buckets", "Buckets.", totals.buckets);
  one("objects", "Objects.", totals.objects);
  one("object_bytes", "Bytes of objects, as clients see them.", totals.objectBytes);
  one("open_uploads", "Multipart uploads in progress.", totals.openUploads);
  one("shard_sets", "Shard sets.", totals.sets);
  one("packs", "Shard sets that objects share.", totals.packs);
  one("degraded_sets", "Shard sets below full redundancy.", totals.degradedSets);
  one("trashed_sets", "Shard sets that wait to be removed.", totals.trashedSets);
}

function addHealing({ counter, gauge }: Meters, { healing }: StatusReport): void {
  if (healing === undefined) return;
  const { degraded, done, failing, rateBytes, scrub, waitingSets } = healing;
  const bySpare = degraded.bySpare.map(({ spareCount, sets }) => ({
    labels: { spare: spareCount },
    value: sets,
  }));
  gauge("repair_degraded_sets", "Sets that may lose so many more shards.", bySpare);
  gauge("repair_left_bytes", "What sets lack, about.", [{ value: degraded.bytes }]);
  gauge("repair_waiting_sets", "Sets that wait for drives.", [{ value: waitingSets }]);
  gauge("repair_failing_sets", "Sets that could not be repaired.", [{ value: failing.sets }]);
  gauge("repair_bytes_per_second", "How fast repair writes.", [{ value: rateBytes }]);
  counter("repair_sets_total", "Sets made whole.", [{ value: done.sets }]);
  const shards = [{ labels: { how: "rebuilt" }, value: done.rebuiltShards }];
  counter("repair_shards_total", "Shards made anew.", shards);
  counter("repair_written_bytes_total", "Bytes of shards.", [{ value: done.writtenBytes }]);
  gauge("scrub_pass_sets", "Sets read in the scrub's pass.", [{ value: scrub.lookedAtSets }]);
  gauge("scrub_passes", "Passes that the scrub has ended.", [{ value: scrub.passCount }]);
  gauge("scrub_lost_shards", "Lost shards that scrubs have found.", [{ value: scrub.lostShards }]);
}

function addQuotas({ gauge }: Meters, { quotas }: StatusReport): void {
  const of = (what: "objectBytes" | "quotaBytes") =>
    quotas.map(({ bucket, ...bytes }) => ({ labels: { bucket }, value: bytes[what] }));
  gauge("bucket_quota_bytes", "What a bucket with a quota may hold.", of("quotaBytes"));
  gauge("bucket_object_bytes", "What a bucket with a quota holds.", of("objectBytes"));
}

function addJournal({ gauge }: Meters, { journal }: StatusReport): void {
  if (journal === undefined) return;
  const { epoch, sequence, quorum, members } = journal;
  gauge("journal_epoch", "Epoch of the metadata's writer.", [{ value: epoch }]);
  gauge("journal_sequence", "Number of the last change of the metadata.", [{ value: sequence }]);
  gauge("journal_quorum", "Copies that hold a change before it counts.", [{ value: quorum }]);
  const labelled = members.map((member) => ({
    labels: { drive: member.driveId, label: member.label },
    member,
  }));
  const states = labelled.flatMap(({ labels, member }) =>
    (["good", "behind", "away"] as const).map((state) => ({
      labels: { ...labels, state },
      value: member.state === state ? 1 : 0,
    })),
  );
  gauge("journal_member_state", "1 for the state that a copy of the metadata is in.", states);
  const held = labelled.map(({ labels, member }) => ({ labels, value: member.sequence }));
  gauge("journal_member_sequence", "Number of the last change that a copy holds.", held);
}

function addWorkers({ counter }: Meters, { workers }: StatusReport): void {
  const of = (what: "failureCount" | "stepCount"): readonly Sample[] =>
    workers.map((worker) => ({ labels: { worker: worker.name }, value: worker[what] }));
  counter("worker_steps_total", "Steps of work in the background.", of("stepCount"));
  counter("worker_failures_total", "Steps that failed.", of("failureCount"));
}

function addDurations(registry: Registry, counts: CountsView): void {
  const histogram = new CountedHistogram(counts);
  registry.registerMetric(histogram);
}

const MS = 1_000;
const DURATION_NAME = "kintsugi_s3_request_duration_seconds";
const DURATION_SETTINGS = {
  name: DURATION_NAME,
  help: "Time from a request's arrival to the end of its answer.",
  labelNames: ["operation"],
  registers: [],
};

/** The library's histograms count what they are told; this one shows what was counted already. */
class CountedHistogram extends Histogram {
  readonly #counts: CountsView;
  /** Knows name, help and kind; counts nothing. */
  readonly #empty = new Histogram(DURATION_SETTINGS);

  constructor(counts: CountsView) {
    super(DURATION_SETTINGS);
    this.#counts = counts;
  }

  override get(): ReturnType<Histogram["get"]> {
    return this.getForPromString();
  }

  /** The registry asks this way. */
  async getForPromString(): ReturnType<Histogram["get"]> {
    const values = [...this.#counts.operations].flatMap(([name, found]) =>
      linesOf({ operation: nameOf(name) }, found),
    );
    return { ...(await this.#empty.get()), values };
  }
}

function linesOf(labels: Readonly<Record<string, string>>, counts: OperationCounts) {
  let sum = 0;
  const buckets = [...counts.durations].map((count, index) => {
    sum += count;
    const bound = DURATION_BUCKETS_MS[index];
    const le = bound === undefined ? "+Inf" : bound / MS;
    return { metricName: `${DURATION_NAME}_bucket`, labels: { ...labels, le }, value: sum };
  });
  return [
    ...buckets,
    { metricName: `${DURATION_NAME}_sum`, labels, value: counts.durationMsSum / MS },
    { metricName: `${DURATION_NAME}_count`, labels, value: sum },
  ];
}
