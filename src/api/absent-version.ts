// What a request hears of an object, or of a version of it, that is not there, or is a delete marker. That something is
// not there is for those to know who may list the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html

import { S3Error } from "../core/s3-error.ts";
import type { ObjectVersion } from "../store/object-store.ts";
import type { ObjectRecord, VersionRecord } from "../store/records.ts";
import { renderHttpDate } from "./headers.ts";
import type { OperationContext } from "./operation.ts";

type Asking = Pick<OperationContext, "allows" | "confirm" | "request" | "store">;

/**
 * The object that a version is, which is the one that was decided about.
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker, by its id), AccessDenied, ServiceUnavailable
 */
export async function getObjectVersion(
  context: Asking,
  version: ObjectVersion,
): Promise<ObjectRecord> {
  const { bucket, key, versionId } = version;
  // One read less where it is there, as it mostly is.
  const latest = versionId === undefined ? await context.store.findObject(bucket, key) : undefined;
  if (latest !== undefined) {
    context.confirm(bucket, latest);
    return latest;
  }
  const found = await context.store.findVersion(version);
  if (found?.kind === "object") {
    context.confirm(bucket, found.object);
    return found.object;
  }
  throw await absentVersion(context, version, found);
}

/** For a version that could not be opened as an object. @throws S3Error as `getObjectVersion` */
export async function refuseAbsent(context: Asking, version: ObjectVersion): Promise<never> {
  throw await absentVersion(context, version, await context.store.findVersion(version));
}

async function absentVersion(
  { allows, request }: Asking,
  { bucket, key, versionId }: ObjectVersion,
  found: VersionRecord | undefined,
): Promise<S3Error> {
  const mayKnow = await allows("s3:ListBucket", { bucket, key: "", prefix: key });
  if (!mayKnow) return new S3Error("AccessDenied");
  // An object that came only now was not there when it was asked for.
  if (found?.kind !== "delete-marker") {
    if (versionId === undefined) return new S3Error("NoSuchKey", { detail: { Key: key } });
    return new S3Error("NoSuchVersion", { detail: { Key: key, VersionId: versionId } });
  }
  const { marker } = found;
  const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": marker.versionId };
  if (versionId === undefined) return new S3Error("NoSuchKey", { detail: { Key: key }, headers });
  return new S3Error("MethodNotAllowed", {
    detail: { Method: request.method, ResourceType: "DeleteMarker", Allow: "DELETE" },
    headers: { ...headers, "last-modified": renderHttpDate(marker.modifiedAt) },
  });
}
