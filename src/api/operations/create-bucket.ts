// CreateBucket: a new, empty bucket that belongs to the account.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

import { S3Error } from "../../core/s3-error.ts";
import type { Tag } from "../../core/tags.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { BUCKET_ACL } from "../access/acl.ts";
import { newBucketDocuments } from "../access/new-bucket-access.ts";
import type { BucketDocuments } from "../access/new-bucket-access.ts";
import { putTags } from "../bucket-tags.ts";
import { putExplicitLocation } from "../bucket-location.ts";
import { defineOperation } from "../operation.ts";
import type { OperationContext } from "../operation.ts";
import { invalidArgument } from "../params.ts";
import { refuseHeaders } from "../refused-headers.ts";
import { emptyResponse } from "../response.ts";
import { readTagSet } from "../tags.ts";
import { findElementText, parseXml, refuseOthers } from "../xml/parse.ts";

/** Regions where creating a bucket again that one already owns succeeds. */
const FORGIVING_REGION = "us-east-1";
const REGION_NAME = /^(?:EU|[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2})$/;

interface BucketConfiguration {
  readonly location: string | undefined;
  readonly tags: readonly Tag[] | undefined;
}

export const createBucket = defineOperation({
  name: "CreateBucket",
  route: { method: "PUT", target: "bucket" },
  action: "s3:CreateBucket",
  body: "xml",

  parse: ({ xml, headers }) => {
    refuseHeaders(headers, "write");
    const configuration =
      xml === "" ? { location: undefined, tags: undefined } : parseConfiguration(xml);
    return { ...configuration, headers, hasLock: readLockHeader(headers) };
  },

  async handle(context, input) {
    const { store, account, accounts, newBuckets, region, bucketName: name } = context;
    const { headers, hasLock } = input;
    checkLocation(input.location, region);
    const request = { headers, owner: account.id, accounts, newBuckets };
    const documents = newBucketDocuments(request);
    try {
      const bucket = await store.createBucket({ name, owner: account, region, hasLock, documents });
      await putExplicitLocation(store, bucket, input.location);
      if (input.tags !== undefined) await putTags(store, bucket, input.tags);
    } catch (error) {
      if (!isForgiven(error, context)) throw error;
      await refuseOtherAcl(store, name, documents);
    }
    return emptyResponse(200, { location: `/${name}` });
  },
});

function isForgiven(error: unknown, { region }: OperationContext): boolean {
  return (
    region === FORGIVING_REGION &&
    error instanceof S3Error &&
    error.code === "BucketAlreadyOwnedByYou"
  );
}

/**
 * Making a bucket again must not leave open what was to be closed, or the other way about.
 * @throws S3Error BucketAlreadyExists
 */
async function refuseOtherAcl(
  store: ObjectStore,
  name: string,
  documents: BucketDocuments,
): Promise<void> {
  const bucket = await store.findBucket(name);
  if (bucket === undefined) return;
  const acl = await store.findBucketConfig(bucket, BUCKET_ACL.name);
  if (acl === documents[BUCKET_ACL.name]) return;
  throw new S3Error("BucketAlreadyExists", { detail: { BucketName: name } });
}

function parseConfiguration(xml: string): BucketConfiguration {
  const root = parseXml(xml, "CreateBucketConfiguration");
  refuseOthers(root, ["LocationConstraint", "Location", "Bucket", "Tags"]);
  if (root.children.some(({ name }) => name === "Location" || name === "Bucket")) {
    throw new S3Error("NotImplemented", { message: "Directory buckets are not implemented." });
  }
  return { location: findElementText(root, "LocationConstraint"), tags: readTagSet(root, "Tags") };
}

/**
 * Differs from AWS: naming the server's own region is never an error, and neither is leaving it out, so that a client
 * works whatever region the server was given.
 */
function checkLocation(location: string | undefined, region: string): void {
  if (location === undefined || location === "" || location === region) return;
  if (!REGION_NAME.test(location)) {
    throw new S3Error("InvalidLocationConstraint", { detail: { LocationConstraint: location } });
  }
  throw new S3Error("IllegalLocationConstraintException", {
    message: `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  });
}

/** @throws S3Error InvalidArgument */
function readLockHeader(headers: ReadonlyMap<string, string>): boolean {
  const name = "x-amz-bucket-object-lock-enabled";
  const value = headers.get(name);
  const lower = value?.trim().toLowerCase() ?? "false";
  if (lower === "true" || lower === "false") return lower === "true";
  throw invalidArgument(name, value ?? "", "Object lock is either enabled, true, or not, false.");
}
