// Lifecycles over in-memory metadata, with a clock that is moved by hand.

import type { AccountId, UploadId } from "../../src/core/ids.ts";
import { Lifecycle, type LifecycleParts } from "../../src/lifecycle/lifecycle.ts";
import {
  LIFECYCLE_DOCUMENT_NAME,
  renderLifecycleDocument,
  type LifecycleRule,
} from "../../src/lifecycle/lifecycle-rule.ts";
import { openMemoryMetadata } from "../../src/metadata/memory/open-memory-metadata.ts";
import type { DueQuery, MetadataStore } from "../../src/metadata/metadata-store.ts";
import type { BucketRecord } from "../../src/metadata/records.ts";
import { silentLogger } from "../../src/telemetry/logger.ts";

const OWNER = "owner" as AccountId;
const DAY_MS = 86_400_000;

export interface LifecycleLab {
  readonly metadata: MetadataStore;
  readonly bucket: BucketRecord;
  readonly clock: { nowMs: number };
  /** What was asked of the index. */
  readonly queries: DueQuery[];
  readonly setRules: (rules: readonly LifecycleRule[]) => Promise<void>;
  /** A lifecycle that knows only what was saved, as after a restart. */
  readonly open: (change?: Partial<LifecycleParts>) => Lifecycle;
  readonly addDays: (days: number) => void;
}

export async function givenLifecycleLab(hasLock = false): Promise<LifecycleLab> {
  const metadata = openMemoryMetadata();
  const clock = { nowMs: Date.UTC(2026, 0, 1, 12) };
  const now = () => clock.nowMs;
  const bucket = await metadata.createBucket({
    name: "bucket",
    ownerId: OWNER,
    region: "us-east-1",
    createdAt: 1,
    hasLock,
  });
  const queries: DueQuery[] = [];
  const parts: LifecycleParts = {
    metadata: {
      findBucketById: (id) => metadata.findBucketById(id),
      findBucketConfig: (id, name) => metadata.findBucketConfig(id, name),
      findProgress: (job) => metadata.findProgress(job),
      listConfigured: (name, after, limit) => metadata.listConfigured(name, after, limit),
      putProgress: (job, text) => metadata.putProgress(job, text),
      listDue: (query) => {
        queries.push(query);
        return metadata.listDue(query);
      },
    },
    store: {
      deleteObjects: ({ id }, requests, ownerId) =>
        metadata.deleteObjects(id, requests, { ownerId, now: now() }),
      abortUpload: ({ id }, key, uploadId) => metadata.abortUpload(id, key, uploadId as UploadId),
    },
    clock: { now, monotonic: now, translate: (dateMs) => dateMs },
    logger: silentLogger,
  };
  return {
    metadata,
    bucket,
    clock,
    queries,
    setRules: (rules) => {
      const text = renderLifecycleDocument({ rules, minimumSize: "all_storage_classes_128K" });
      return metadata.putBucketConfig(bucket.id, LIFECYCLE_DOCUMENT_NAME, text);
    },
    open: (change = {}) => new Lifecycle({ ...parts, ...change }),
    addDays: (days) => {
      clock.nowMs += days * DAY_MS;
    },
  };
}

/** A rule for everything that does nothing. */
export function ruleWith(change: Partial<LifecycleRule>): LifecycleRule {
  return {
    id: "rule",
    isEnabled: true,
    form: "filter",
    filter: { tags: [] },
    transitions: [],
    noncurrentTransitions: [],
    ...change,
  };
}
