// The operations on objects, each in the file of its name.

import type { SeenVersion as SeenName, VersionName } from "../metadata/metadata-store.ts";
import { copyObject } from "./copy-object.ts";
import { deleteObjects } from "./delete-objects.ts";
import type { ObjectStore, ObjectVersion, SeenVersion } from "./object-store.ts";
import { checkCustomerKey } from "./encryption/data-key.ts";
import { openObject } from "./open-object.ts";
import { putObject } from "./put-object.ts";
import type { StoreContext } from "./store-context.ts";

type ObjectOperations = Pick<
  ObjectStore,
  | "checkCustomerKey"
  | "copyObject"
  | "deleteObjects"
  | "findObject"
  | "findVersion"
  | "listObjects"
  | "listVersions"
  | "openObject"
  | "putLegalHold"
  | "putObject"
  | "putObjectAcl"
  | "putObjectTags"
  | "putRetention"
  | "requireManagedKeys"
>;

export function objectOperations(context: StoreContext): ObjectOperations {
  const { metadata, clock } = context;
  return {
    findObject: (bucket, key) => metadata.findObject(bucket.id, key),
    findVersion: (version) => metadata.findVersion(nameOf(version)),
    openObject: (bucket, key, versionId) => openObject(context, { bucket, key, versionId }),
    listObjects: (query) => metadata.listObjects(query),
    listVersions: (query) => metadata.listVersions(query),
    putObject: (target, body) => putObject(context, target, body),
    checkCustomerKey: ({ name: bucket }, { key, encryption }, customerKey) =>
      checkCustomerKey({ encryption, name: { bucket, key } }, customerKey),
    requireManagedKeys: (kmsKeyId) => context.keys.requireReady(kmsKeyId),
    copyObject: (source, target, checksum) => copyObject(context, source, target, checksum),
    deleteObjects: (bucket, requests, ownerId) => deleteObjects(context, bucket, requests, ownerId),
    putObjectTags: (version, tags) => metadata.putObjectTags(seenOf(version), tags),
    putObjectAcl: (version, acl) => metadata.putObjectAcl(seenOf(version), acl),
    putRetention: (version, retention, mayBypassGovernance) =>
      metadata.putRetention(nameOf(version), retention, { mayBypassGovernance, now: clock.now() }),
    putLegalHold: (version, isOn) => metadata.putLegalHold(nameOf(version), isOn),
  };
}

function nameOf({ bucket, key, versionId }: ObjectVersion): VersionName {
  return { bucketId: bucket.id, key, versionId };
}

function seenOf(version: SeenVersion): SeenName {
  return { ...nameOf(version), sequence: version.sequence };
}
