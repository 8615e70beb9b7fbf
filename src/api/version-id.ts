// The `versionId` of a request to a bucket without versioning, where an object's one version is called "null".
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html

import { S3Error } from "../core/s3-error.ts";
import { invalidArgument } from "./params.ts";

export const NULL_VERSION = "null";

/** The ids that S3 gives out have this form; others were never an id. */
const WELL_FORMED = /^[A-Za-z0-9._-]{32}$/;

/** @throws S3Error NoSuchVersion, or InvalidArgument for what cannot be an id; absent and "null" pass. */
export function checkVersionId(versionId: string | undefined, key: string): void {
  if (versionId === undefined || versionId === NULL_VERSION) return;
  if (versionId === "") {
    throw invalidArgument("versionId", "", "Version id cannot be the empty string");
  }
  if (!WELL_FORMED.test(versionId)) {
    throw invalidArgument("versionId", versionId, "Invalid version id specified");
  }
  throw new S3Error("NoSuchVersion", { detail: { Key: key, VersionId: versionId } });
}
