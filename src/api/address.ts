// Which bucket and key a request is about: the only place that decides it. Path style (`/bucket/key`), and virtual-host
// style (`bucket.localhost/key`) where the Host header lies below one of the configured domains.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html

import { isBucketName } from "../core/bucket-name.ts";
import { checkKey, decodePath } from "../core/object-key.ts";
import { S3Error } from "../core/s3-error.ts";
import type { WireRequest } from "../core/wire-request.ts";
import type { Target } from "./operation.ts";

export interface Address {
  readonly target: Target;
  /** Empty for the service. */
  readonly bucketName: string;
  /** Empty for the service and for a bucket. */
  readonly key: string;
  /** The bucket that the Host header named; undefined for path style. */
  readonly hostBucket: string | undefined;
}

/** @throws S3Error InvalidBucketName, InvalidURI, KeyTooLongError */
export function resolveAddress(
  request: Pick<WireRequest, "headers" | "rawPath">,
  domains: readonly string[],
): Address {
  const hostBucket = findHostBucket(request.headers.get("host"), domains);
  const path = request.rawPath.slice(1);
  if (hostBucket !== undefined) return locate(hostBucket, path, hostBucket);
  if (path === "") return { target: "service", bucketName: "", key: "", hostBucket };
  const slash = path.indexOf("/");
  if (slash === -1) return locate(decodePath(path), "", undefined);
  return locate(decodePath(path.slice(0, slash)), path.slice(slash + 1), undefined);
}

/** The part of a Host header in front of the longest domain that it lies below. */
export function findHostBucket(
  host: string | undefined,
  domains: readonly string[],
): string | undefined {
  if (host === undefined) return undefined;
  const name = host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
  let bucket: string | undefined;
  for (const domain of domains) {
    const suffix = `.${domain.toLowerCase()}`;
    if (!name.endsWith(suffix) || name.length === suffix.length) continue;
    const front = name.slice(0, -suffix.length);
    if (bucket === undefined || front.length < bucket.length) bucket = front;
  }
  return bucket;
}

function locate(bucketName: string, rawKey: string, hostBucket: string | undefined): Address {
  if (!isBucketName(bucketName)) {
    throw new S3Error("InvalidBucketName", { detail: { BucketName: bucketName } });
  }
  const key = decodePath(rawKey);
  checkKey(key);
  return { target: key === "" ? "bucket" : "object", bucketName, key, hostBucket };
}
