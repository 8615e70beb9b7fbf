// Buckets and what is in them, as the admin API sees them: of all accounts, page by page, to be looked at only.

import type { DefaultRetention } from "../metadata/records.ts";

export interface BucketSummary {
  readonly name: string;
  readonly ownerId: string;
  readonly createdAt: string;
  /** Of all versions. */
  readonly objectCount: number;
  readonly objectBytes: number;
  readonly quotaBytes: number | undefined;
  readonly versioning: "enabled" | "off" | "suspended";
  readonly hasLock: boolean;
  /** What new versions are given; undefined where the bucket gives none. */
  readonly defaultRetention: DefaultRetention | undefined;
}

export interface BucketsPage {
  readonly buckets: readonly BucketSummary[];
  /** `after` of the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface EntrySummary {
  readonly key: string;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedAt: string;
  readonly ownerId: string;
  readonly storageClass: string;
}

export interface PrefixEntry {
  readonly kind: "prefix";
  readonly prefix: string;
}

export interface ObjectEntry extends EntrySummary {
  readonly kind: "object";
}

export interface VersionEntry extends EntrySummary {
  readonly kind: "delete-marker" | "object";
  readonly versionId: string;
  readonly isLatest: boolean;
}

export interface ObjectsPage {
  readonly entries: readonly (ObjectEntry | PrefixEntry)[];
  /** `after` of the next page; undefined on the last one. */
  readonly next: string | undefined;
}

export interface VersionsPage {
  readonly entries: readonly (PrefixEntry | VersionEntry)[];
  /** `after` and `afterVersion` of the next page; undefined on the last one. */
  readonly next: { readonly after: string; readonly afterVersion: string | undefined } | undefined;
}

export interface EntriesQuery {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty: keys are not rolled up. */
  readonly delimiter: string;
  readonly after: string | undefined;
  readonly limit: number;
}

export interface AdminCatalog {
  listBuckets(query: {
    readonly prefix: string;
    readonly after: string | undefined;
    readonly limit: number;
  }): Promise<BucketsPage>;
  /** @throws AdminError NoSuchBucket */
  listObjects(query: EntriesQuery): Promise<ObjectsPage>;
  /** `isExact`: of the key that `prefix` is, and of no other. @throws AdminError NoSuchBucket */
  listVersions(
    query: EntriesQuery & { readonly afterVersion: string | undefined; readonly isExact: boolean },
  ): Promise<VersionsPage>;
}
