// Changes to versions that stand: tags, access control lists, retention, legal hold; within the writer's transaction.

import { S3Error } from "../../core/s3-error.ts";
import type { SeenVersion, VersionName } from "../metadata-store.ts";
import { checkRetentionChange, requireBucketLock } from "../object-lock.ts";
import { requireSeen } from "../require-seen.ts";
import type { WriteHandlers } from "../write-operations.ts";
import { listText } from "./column-text.ts";
import type { FoundVersion, KeyVersions } from "./key-versions.ts";
import { objectLockOf, type StandingRow } from "./object-rows.ts";
import type { ObjectWrites } from "./object-writes.ts";
import { bucketLockOf } from "./rows.ts";

type SettingsWrite = "putLegalHold" | "putObjectAcl" | "putObjectTags" | "putRetention";
type Change = Partial<
  Pick<StandingRow, "acl" | "legal_hold" | "retain_until" | "retention_mode" | "tags">
>;

export function versionSettingsWrites(
  objects: ObjectWrites,
  versions: KeyVersions,
): Pick<WriteHandlers, SettingsWrite> {
  /** An object in a bucket that exists. @throws S3Error */
  const get = (name: SeenVersion): FoundVersion => {
    objects.getBucket(name.bucketId);
    const version = getVersion(versions, name);
    requireSeen(name, version.row.sequence);
    return version;
  };
  /** @throws S3Error InvalidRequest */
  const getLockable = (name: VersionName): FoundVersion => {
    requireBucketLock(bucketLockOf(objects.getBucket(name.bucketId)));
    return getVersion(versions, name);
  };
  const change = (name: VersionName, version: FoundVersion, changed: Change): void =>
    versions.change(name, changedVersion(version, changed));
  return {
    putObjectTags: ({ name, tags }) => change(name, get(name), { tags: listText(tags) }),
    putObjectAcl: ({ name, acl = null }) => change(name, get(name), { acl }),
    putRetention: ({ name, retention, permission }) => {
      const version = getLockable(name);
      checkRetentionChange(objectLockOf(version.row).retention, retention, permission);
      const { mode = null, until = null } = retention ?? {};
      change(name, version, { retention_mode: mode, retain_until: until });
    },
    putLegalHold: ({ name, isOn }) => change(name, getLockable(name), { legal_hold: isOn ? 1 : 0 }),
  };
}

function changedVersion(version: FoundVersion, changed: Change): FoundVersion {
  if (version.table === "objects") {
    return { table: "objects", row: { ...version.row, ...changed } };
  }
  return { table: "versions", row: { ...version.row, ...changed } };
}

/** @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed; DamagedRowError */
function getVersion(versions: KeyVersions, name: VersionName): FoundVersion {
  const { key, versionId } = name;
  if (versionId === undefined) {
    const row = versions.findStanding(name);
    if (row === undefined) throw new S3Error("NoSuchKey", { detail: { Key: key } });
    return { table: "objects", row };
  }
  const version = versions.findVersion(name, versionId);
  if (version === undefined) {
    throw new S3Error("NoSuchVersion", { detail: { Key: key, VersionId: versionId } });
  }
  if (version.table === "versions" && version.row.is_delete_marker === 1) {
    throw new S3Error("MethodNotAllowed");
  }
  return version;
}
