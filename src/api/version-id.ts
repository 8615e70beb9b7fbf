// The `versionId` of a request.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html

import { findParam } from "../core/wire-request.ts";
import type { QueryParam, WireRequest } from "../core/wire-request.ts";
import type { S3Action } from "./operation.ts";
import { invalidArgument } from "./params.ts";

export const NULL_VERSION = "null";

/** The ids that are given out have this form; others were never an id. */
const WELL_FORMED = /^[A-Za-z0-9._-]{32}$/;

/** Whether a version may have this id. */
export function isVersionId(text: string): boolean {
  return text === NULL_VERSION || WELL_FORMED.test(text);
}

/** The id in the query, "null" among them; undefined without one. @throws S3Error InvalidArgument for what cannot be an id */
export function versionIdParam(query: readonly QueryParam[]): string | undefined {
  return checkVersionId(findParam({ query }, "versionId"));
}

/** @throws S3Error InvalidArgument for what cannot be an id */
export function checkVersionId(versionId: string | undefined): string | undefined {
  if (versionId === undefined || isVersionId(versionId)) return versionId;
  const message =
    versionId === "" ? "Version id cannot be the empty string" : "Invalid version id specified";
  throw invalidArgument("versionId", versionId, message);
}

/** The permission of an operation, which is another one for a version that is named. */
export function actionByVersion(plain: S3Action, versioned: S3Action) {
  return (request: WireRequest): S3Action =>
    findParam(request, "versionId") === undefined ? plain : versioned;
}
