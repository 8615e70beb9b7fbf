// What is well and what is not: every trouble has its sentence, and nothing that is as it should be has one.

import { expect, test } from "vitest";
import { makeStatusReport, type StatusSources } from "../../../src/admin/status-report.ts";
import type { WorkerStatus } from "../../../src/background/worker.ts";
import type { DriveId } from "../../../src/core/ids.ts";
import type { DriveStatus, StoreStatus } from "../../../src/store/store-status.ts";

const FACTS = {
  version: "1.2.3",
  clusterId: "cluster",
  endpoint: "http://127.0.0.1:9000",
  startedAt: 1_000_000,
  remarks: ["drive-3 was laid out anew"],
};

const DRIVE: DriveStatus = {
  driveId: "id-1" as DriveId,
  label: "/data/drive-1",
  state: "good",
  device: "local/1",
  space: undefined,
  calls: { goodCount: 1, errorCount: 0, lastError: undefined },
  readMs: 1,
};

const STORE: StoreStatus = {
  geometry: { dataShards: 4, parityShards: 2 },
  drives: [DRIVE],
  isWritable: true,
  writeQuorum: 5,
  tolerance: { disksBeforeLoss: 2, drivesBeforeLoss: 2, disksBeforeOutage: 1, isBeyond: false },
  totals: {
    buckets: 1,
    objects: 2,
    objectBytes: 3,
    openUploads: 0,
    sets: 2,
    packs: 1,
    degradedSets: 0,
    trashedSets: 7,
  },
  quotas: [],
  journal: undefined,
  metadata: { isWritable: true, space: undefined, isShort: false },
  openReadings: 0,
  litter: 0,
};

const WORKER: WorkerStatus = {
  name: "trash",
  state: "idle",
  stepCount: 1,
  failureCount: 0,
  lastError: undefined,
};

function reportOf(store: Partial<StoreStatus>, more: Partial<StatusSources> = {}) {
  const sources = {
    facts: FACTS,
    isServing: true,
    processCount: 1,
    workers: [WORKER],
    jobs: [],
    now: 1_061_500,
    ...more,
  };
  return makeStatusReport({ ...sources, store: { ...STORE, ...store } });
}

test("what is as it should be is no problem, whatever waits in the trash or was odd at the start", () => {
  const report = reportOf({ drives: [DRIVE, { ...DRIVE, state: "slow" }] });
  expect(report).toMatchObject({
    isWell: true,
    problems: [],
    remarks: ["drive-3 was laid out anew"],
    uptimeSeconds: 61,
    startedAt: "1970-01-01T00:16:40.000Z",
    disks: { count: 1, mayFailBeforeLoss: 2, mayFailBeforeOutage: 1, drivesMayBeLost: 2 },
  });
});

const calls = { goodCount: 1, errorCount: 1, lastError: "EIO: i/o error" };
const member = { driveId: DRIVE.driveId, label: "/data/drive-1", sequence: 4 };
const journalOf = (state: "away" | "behind", problem: string | undefined) => ({
  epoch: 1,
  sequence: 5,
  quorum: 3,
  members: [{ ...member, state, problem }],
});

test.each<readonly [string, Partial<StoreStatus>, RegExp]>([
  [
    "a drive away",
    { drives: [{ ...DRIVE, state: "away", calls }] },
    /drive \/data\/drive-1 is away: EIO/,
  ],
  [
    "one absent",
    { drives: [{ ...DRIVE, state: "absent", label: undefined }] },
    /drive id-1 has not been there/,
  ],
  ["one full", { drives: [{ ...DRIVE, state: "short" }] }, /full up to its reserve/],
  [
    "lost beyond parity",
    { tolerance: { ...STORE.tolerance, isBeyond: true } },
    /cannot be read now/,
  ],
  [
    "sets degraded",
    { totals: { ...STORE.totals, degradedSets: 2 } },
    /2 sets are below full redundancy/,
  ],
  ["too few drives", { isWritable: false }, /too few drives take new objects; a write takes 5/],
  [
    "a dead writer",
    { isWritable: false, metadata: { ...STORE.metadata, isWritable: false } },
    /started anew/,
  ],
  [
    "metadata short of room",
    { metadata: { ...STORE.metadata, isShort: true } },
    /new objects are refused/,
  ],
  [
    "a copy behind",
    { journal: journalOf("behind", undefined) },
    /drive-1 is being brought up to date/,
  ],
  ["a copy away", { journal: journalOf("away", "ENOENT") }, /drive-1 is away: ENOENT/],
])("%s is named", (_what, store, words) => {
  const { isWell, problems } = reportOf(store);
  expect(isWell).toBe(false);
  expect(problems).toEqual([expect.stringMatching(words)]);
});

test.each([
  [15, []],
  [13, [/^the certificate of TLS ends at 1970-01-14T00:17:41\.500Z: put another in the place/]],
  [-1, [/^the certificate of TLS ended at 1969-12-31T00:17:41\.500Z, and clients refuse it/]],
])("a certificate that ends in %d days", (days, words) => {
  const certificateEndsAt = 1_061_500 + days * 24 * 60 * 60 * 1_000;
  const { certificateEndsAt: told, problems } = reportOf({}, { certificateEndsAt });
  expect(problems).toEqual(words.map((each) => expect.stringMatching(each) as string));
  expect(Date.parse(told ?? "")).toBe(certificateEndsAt);
});

test("work that fails is named with its error", () => {
  const workers = [{ ...WORKER, state: "failing" as const, lastError: "no room" }];
  expect(reportOf({}, { workers }).problems).toEqual([
    'the background work "trash" fails: no room',
  ]);
});

test("a gateway that may have been replaced says that it answers no request", () => {
  const report = reportOf({}, { isServing: false });
  expect(report).toMatchObject({ isWell: false, isWritable: false });
  expect(report.problems).toEqual([expect.stringMatching(/whether it is still in charge/)]);
});
