// How much buckets may hold, as the admin API sees it.

export interface BucketQuota {
  readonly bucket: string;
  /** Of all versions of all objects. */
  readonly objectBytes: number;
  /** Undefined: as much as there is room for. */
  readonly quotaBytes: number | undefined;
}

export interface AdminQuotas {
  /** @throws AdminError NoSuchBucket */
  get(bucket: string): Promise<BucketQuota>;
  /** `undefined` removes it. A bucket that holds more already keeps it all. @throws AdminError NoSuchBucket */
  set(bucket: string, quotaBytes: number | undefined): Promise<BucketQuota>;
}
