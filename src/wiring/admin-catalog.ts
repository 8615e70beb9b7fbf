// Buckets and what is in them for the admin API, listed by the object store.

import type {
  AdminCatalog,
  BucketSummary,
  EntrySummary,
  ObjectEntry,
  PrefixEntry,
  VersionEntry,
  VersionsPage,
} from "../admin/admin-catalog.ts";
import { AdminError } from "../admin/admin-error.ts";
import type { BucketView } from "../store/bucket-view.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { ListedObject, ListedVersion, ObjectSummary } from "../store/records.ts";

type ListingStore = Pick<
  ObjectStore,
  "findBucket" | "listBuckets" | "listObjects" | "listVersions"
>;

export function adminCatalogOf(store: ListingStore): AdminCatalog {
  const idOf = async (name: string): Promise<number> => {
    const bucket = await store.findBucket(name);
    if (bucket !== undefined) return bucket.id;
    throw new AdminError(404, "NoSuchBucket", `there is no bucket ${name.slice(0, 100)}`);
  };
  return {
    listBuckets: async ({ limit, ...query }) => {
      const found = await store.listBuckets({ ...query, ownerId: undefined, limit: limit + 1 });
      const buckets = found.slice(0, limit);
      const next = found.length > limit ? buckets.at(-1)?.name : undefined;
      return { buckets: buckets.map(summaryOf), next };
    },
    listObjects: async ({ bucket, ...query }) => {
      const page = await store.listObjects({ ...query, bucketId: await idOf(bucket) });
      const last = page.isTruncated ? page.entries.at(-1) : undefined;
      return { entries: page.entries.map(objectEntryOf), next: last && nameOf(last) };
    },
    listVersions: async ({ bucket, after, afterVersion, isExact, ...query }) => {
      const bucketId = await idOf(bucket);
      const markers = { keyMarker: after, versionIdMarker: afterVersion };
      const page = await store.listVersions({ ...query, ...markers, bucketId });
      const isWanted = (entry: ListedVersion): boolean =>
        !isExact || nameOf(entry) === query.prefix;
      const wanted = page.entries.filter(isWanted);
      const isMore = page.isTruncated && wanted.length === page.entries.length;
      return { entries: wanted.map(versionEntryOf), next: isMore ? nextOf(wanted) : undefined };
    },
  };
}

function summaryOf(bucket: BucketView): BucketSummary {
  const { name, ownerId, createdAt, objectCount, objectBytes, quotaBytes, versioning, lock } =
    bucket;
  return {
    name,
    ownerId,
    createdAt: new Date(createdAt).toISOString(),
    objectCount,
    objectBytes,
    quotaBytes,
    versioning,
    hasLock: lock !== undefined,
    defaultRetention: lock?.defaultRetention,
  };
}

function nameOf(entry: ListedObject | ListedVersion): string {
  return entry.kind === "prefix" ? entry.prefix : entry.object.key;
}

function nextOf(entries: readonly ListedVersion[]): VersionsPage["next"] {
  const last = entries.at(-1);
  if (last === undefined) return undefined;
  return {
    after: nameOf(last),
    afterVersion: last.kind === "prefix" ? undefined : last.versionId,
  };
}

function objectEntryOf(entry: ListedObject): ObjectEntry | PrefixEntry {
  return entry.kind === "prefix" ? entry : { kind: "object", ...entrySummaryOf(entry.object) };
}

function versionEntryOf(entry: ListedVersion): PrefixEntry | VersionEntry {
  if (entry.kind === "prefix") return entry;
  const { kind, versionId, isLatest, object } = entry;
  return { kind, versionId, isLatest, ...entrySummaryOf(object) };
}

function entrySummaryOf(object: ObjectSummary): EntrySummary {
  const { key, sizeBytes, etag, modifiedAt, ownerId, storageClass } = object;
  return {
    key,
    sizeBytes,
    etag,
    modifiedAt: new Date(modifiedAt).toISOString(),
    ownerId,
    storageClass,
  };
}
