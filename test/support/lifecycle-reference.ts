// What lifecycle rules mean, worked out by brute force over a plain list of versions: no index, no spans, no progress, and
// dates by the calendar. What the server does is compared with it.

import type { Tag } from "../../src/core/tags.ts";
import type { LifecycleRule } from "../../src/lifecycle/lifecycle-rule.ts";

export interface ModelVersion {
  versionId: string;
  readonly kind: "delete-marker" | "object";
  readonly sizeBytes: number;
  tags: readonly Tag[];
  readonly modifiedAt: number;
  /** Undefined: it is the latest. */
  noncurrentSince: number | undefined;
  lockedUntil: number;
}

export interface ModelUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedAt: number;
}

/** A bucket as a list: the versions of each key, the newest first. */
export class ModelBucket {
  versioning: "enabled" | "off" | "suspended" = "off";
  readonly keys = new Map<string, ModelVersion[]>();
  uploads: ModelUpload[] = [];

  put(key: string, version: Pick<ModelVersion, "modifiedAt" | "sizeBytes" | "tags" | "versionId">) {
    this.#add(key, { ...version, kind: "object", noncurrentSince: undefined, lockedUntil: 0 });
  }

  deleteKey(key: string, at: number, versionId: string): void {
    if (this.versioning === "off") {
      this.keys.delete(key);
      return;
    }
    const marker = { kind: "delete-marker", sizeBytes: 0, tags: [], lockedUntil: 0 } as const;
    this.#add(key, { ...marker, versionId, modifiedAt: at, noncurrentSince: undefined });
  }

  deleteVersion(key: string, gone: ModelVersion): void {
    this.#set(
      key,
      this.versionsOf(key).filter((version) => version !== gone),
    );
  }

  versionsOf(key: string): readonly ModelVersion[] {
    return this.keys.get(key) ?? [];
  }

  /** As the listings show it, in a form to compare. */
  shown(): readonly string[] {
    const keys = [...this.keys].toSorted(([a], [b]) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    return keys.flatMap(([key, versions]) =>
      versions.map(
        (version) => `${key} ${version.kind} ${version.sizeBytes} ${version.modifiedAt}`,
      ),
    );
  }

  #add(key: string, version: ModelVersion): void {
    const isKept = (older: ModelVersion) =>
      this.versioning === "enabled" ||
      (this.versioning === "suspended" && older.versionId !== "null");
    const older = this.versionsOf(key).filter(isKept);
    for (const before of older) before.noncurrentSince ??= version.modifiedAt;
    this.#set(key, [version, ...older]);
  }

  #set(key: string, versions: ModelVersion[]): void {
    const [latest] = versions;
    if (latest === undefined) {
      this.keys.delete(key);
      return;
    }
    latest.noncurrentSince = undefined;
    this.keys.set(key, versions);
  }
}

/** One pass of the rules at a time. Returns how often they have acted. */
export function applyLifecycle(
  bucket: ModelBucket,
  rules: readonly LifecycleRule[],
  now: number,
): number {
  const active = rules.filter(({ isEnabled }) => isEnabled);
  return (
    abortUploads(bucket, active, now) +
    expireCurrent(bucket, active, now) +
    expireOlder(bucket, active, now) +
    expireMarkers(bucket, active, now)
  );
}

function abortUploads(bucket: ModelBucket, active: readonly LifecycleRule[], now: number): number {
  const before = bucket.uploads.length;
  bucket.uploads = bucket.uploads.filter(
    ({ key, initiatedAt }) =>
      !active.some(
        (rule) =>
          key.startsWith(rule.filter.prefix ?? "") && isOld(initiatedAt, rule.abortUploadDays, now),
      ),
  );
  return before - bucket.uploads.length;
}

function expireCurrent(bucket: ModelBucket, active: readonly LifecycleRule[], now: number): number {
  let count = 0;
  for (const [key, [latest]] of Array.from(bucket.keys)) {
    if (latest?.kind !== "object") continue;
    if (!active.some((rule) => expires(rule, key, latest, now))) continue;
    bucket.deleteKey(key, now, "new");
    count += 1;
  }
  return count;
}

function expireOlder(bucket: ModelBucket, active: readonly LifecycleRule[], now: number): number {
  let count = 0;
  for (const [key, versions] of Array.from(bucket.keys)) {
    if (versions.length < 2) continue;
    const gone = versions.filter((_version, index) =>
      active.some((rule) => expiresAsOlder(rule, key, { versions, index }, now)),
    );
    for (const version of gone) {
      if (version.lockedUntil > now) continue;
      bucket.deleteVersion(key, version);
      count += 1;
    }
  }
  return count;
}

function expireMarkers(bucket: ModelBucket, active: readonly LifecycleRule[], now: number): number {
  let count = 0;
  for (const [key, [marker, ...others]] of Array.from(bucket.keys)) {
    if (marker?.kind !== "delete-marker" || others.length > 0) continue;
    const isDue = (rule: LifecycleRule) =>
      expires(rule, key, marker, now) ||
      (rule.expiration?.kind === "marker" && rule.expiration.isWanted && fits(rule, key, marker));
    if (!active.some(isDue)) continue;
    bucket.deleteVersion(key, marker);
    count += 1;
  }
  return count;
}

function expires(rule: LifecycleRule, key: string, version: ModelVersion, now: number): boolean {
  const { expiration } = rule;
  if (!fits(rule, key, version)) return false;
  if (expiration?.kind === "date") return expiration.date <= now;
  return expiration?.kind === "days" && isOld(version.modifiedAt, expiration.days, now);
}

function expiresAsOlder(
  rule: LifecycleRule,
  key: string,
  { versions, index }: { readonly versions: readonly ModelVersion[]; readonly index: number },
  now: number,
): boolean {
  const version = versions[index];
  // The latest is the first; those between are newer and not the latest.
  if (version === undefined || index === 0 || rule.noncurrentExpiration === undefined) return false;
  const { days, newerVersions = 0 } = rule.noncurrentExpiration;
  return (
    index - 1 >= newerVersions &&
    fits(rule, key, version) &&
    isOld(version.noncurrentSince ?? now, days, now)
  );
}

function fits({ filter }: LifecycleRule, key: string, { sizeBytes, tags }: ModelVersion): boolean {
  if (filter.prefix !== undefined && key.slice(0, filter.prefix.length) !== filter.prefix)
    return false;
  if (filter.sizeGreaterThan !== undefined && sizeBytes <= filter.sizeGreaterThan) return false;
  if (filter.sizeLessThan !== undefined && sizeBytes >= filter.sizeLessThan) return false;
  const has = new Set(tags.map(({ key: name, value }) => JSON.stringify([name, value])));
  return filter.tags.every(({ key: name, value }) => has.has(JSON.stringify([name, value])));
}

/** S3: the days are added, and what comes out is rounded up to the next midnight UTC. */
function isOld(at: number, days: number | undefined, now: number): boolean {
  if (days === undefined) return false;
  const date = new Date(at);
  date.setUTCDate(date.getUTCDate() + days + 1);
  date.setUTCHours(0, 0, 0, 0);
  return date.getTime() <= now;
}
