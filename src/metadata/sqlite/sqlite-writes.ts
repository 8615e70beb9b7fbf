// All writes of the SQLite engine over one connection, each to be applied within a transaction that the caller holds.

import type { StatementSource } from "./statement-source.ts";

import type { WriteHandlers } from "../write-operations.ts";
import type { BucketStates } from "./bucket-states.ts";
import { BucketWrites } from "./bucket-writes.ts";
import { BulkRemovals } from "./bulk-removals.ts";
import { clusterWrites } from "./cluster-writes.ts";
import { ContentWrites } from "./content-writes.ts";
import { KeyVersions } from "./key-versions.ts";
import { ManifestWrites } from "./manifest-writes.ts";
import type { Numbering } from "./numbering.ts";
import { ObjectWrites } from "./object-writes.ts";
import { packWrites } from "./pack-writes.ts";
import { setWrites } from "./set-writes.ts";
import { UploadWrites } from "./upload-writes.ts";
import { versionSettingsWrites } from "./version-settings-writes.ts";

/** What is kept in memory while a group is open. */
export interface GroupState {
  readonly numbering: Numbering;
  readonly buckets: BucketStates;
}

export function sqliteWrites(
  database: StatementSource,
  { numbering, buckets: states }: GroupState,
): WriteHandlers {
  const contents = new ContentWrites(database);
  const manifests = new ManifestWrites(database);
  const versions = new KeyVersions(database);
  const bulk = new BulkRemovals(database, contents);
  const objects = new ObjectWrites({
    buckets: states,
    bulk,
    contents,
    manifests,
    numbering,
    versions,
  });
  const uploads = new UploadWrites(database, { contents, manifests, numbering, objects });
  const buckets = new BucketWrites(database, { numbering, uploads });
  return {
    ...clusterWrites(database),
    createBucket: (input) => buckets.createBucket(input),
    deleteBucket: ({ bucketId }, nowMs) => buckets.deleteBucket(bucketId, nowMs),
    putBucketConfig: (input) => buckets.putBucketConfig(input),
    setVersioning: (input) => buckets.setVersioning(input),
    putBucketLock: (input) => buckets.putLock(input),
    putBucketQuota: (input) => buckets.putQuota(input),
    putObject: (input, nowMs) => objects.putObject(input, nowMs),
    deleteObjects: (input, nowMs) => objects.deleteObjects(input, nowMs),
    ...versionSettingsWrites(objects, versions),
    createUpload: (input) => uploads.createUpload(input),
    putPart: (input, nowMs) => uploads.putPart(input, nowMs),
    completeUpload: (input, nowMs) => uploads.completeUpload(input, nowMs),
    ...packWrites(database, contents),
    ...setWrites(database, contents),
    abortUpload: (name, nowMs) => uploads.abortUpload(name, nowMs),
  };
}
