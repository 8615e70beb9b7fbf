// The way into an operation: its bucket, and the permission that it needs, before anything of the body is read.

import { S3Error } from "../../core/s3-error.ts";
import { findParam } from "../../core/wire-request.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import { assert } from "../../util/assert.ts";
import type { Address } from "../address.ts";
import type { AccessTarget, Operation, OperationContext } from "../operation.ts";
import type { DecisionTarget, RequestAccess } from "./request-access.ts";

/** What S3 does for nobody, whatever a policy says, and how it says so. */
const NOT_FOR_NOBODY: ReadonlyMap<string, string> = new Map([
  [
    "CompleteMultipartUpload",
    "Anonymous users cannot complete multipart uploads. Please authenticate.",
  ],
  ["CopyObject", "Anonymous users cannot copy objects. Please authenticate."],
  [
    "CreateMultipartUpload",
    "Anonymous users cannot initiate multipart uploads. Please authenticate.",
  ],
  ["UploadPart", "Anonymous users cannot upload parts. Please authenticate."],
  ["UploadPartCopy", "Anonymous users cannot copy objects. Please authenticate."],
]);

/**
 * Opens the bucket of the request and tries the operation's permission on it; undefined where the operation has none.
 * @throws S3Error NoSuchBucket, AccessDenied
 */
export async function enterOperation(
  access: RequestAccess,
  operation: Operation,
  wire: WireRequest,
  { target, bucketName, key }: Address,
): Promise<BucketView | undefined> {
  if (operation.isOpen === true) return undefined;
  if (target === "service" || operation.name === "CreateBucket") {
    access.requireAccount();
    return undefined;
  }
  const expectedOwner = wire.headers.get("x-amz-expected-bucket-owner");
  const bucket = await access.findBucket(bucketName, expectedOwner);
  const refusal = NOT_FOR_NOBODY.get(operation.name);
  if (refusal !== undefined) access.requireAccount(refusal);
  if (operation.isDecidedInside === true) {
    // Of whoever has nothing to hope for not even a list of keys is read. A form says only later who it is.
    const isHopeless = operation.body === "xml" && !(await access.mayHaveAny(bucket));
    if (isHopeless) throw new S3Error("AccessDenied");
    return bucket;
  }
  const action = typeof operation.action === "string" ? operation.action : operation.action(wire);
  if (access.isUndisputed(bucket)) return bucket;
  const { brings } = operation;
  const waitsForBody = brings !== undefined && (await access.asksForBody(brings, action, bucket));
  if (!waitsForBody) {
    await access.require(action, { bucket, key, versionId: findParam(wire, "versionId") });
  }
  return bucket;
}

type Permissions = Pick<
  OperationContext,
  "allows" | "confirm" | "isUndisputed" | "openBucket" | "refuseIfDenied" | "require"
>;

interface Place {
  readonly request: WireRequest;
  readonly bucket: BucketView | undefined;
  readonly key: string;
}

/** How an operation asks for more; by default for what the request itself names. */
export function permissionsOf(access: RequestAccess, { request, bucket, key }: Place): Permissions {
  const whole = (target: AccessTarget | undefined): DecisionTarget => {
    const whose = target?.bucket ?? bucket;
    assert(whose !== undefined, "permissions are for what is in a bucket");
    if (target === undefined)
      return { bucket: whose, key, versionId: findParam(request, "versionId") };
    return { key, versionId: undefined, ...target, bucket: whose };
  };
  return {
    allows: (action, target) => access.allows(action, whole(target)),
    isUndisputed: () => bucket !== undefined && access.isUndisputed(bucket),
    require: (action, target) => access.require(action, whole(target)),
    refuseIfDenied: (action, target) => access.refuseIfDenied(action, whole(target)),
    confirm: (whose, object) => access.confirm(whose, object),
    openBucket: async (name, action, target = {}) => {
      const expectedOwner = request.headers.get("x-amz-source-expected-bucket-owner");
      const other = await access.findBucket(name, expectedOwner);
      await access.require(action, { key: "", versionId: undefined, ...target, bucket: other });
      return other;
    },
  };
}

/** At the start: a route without a declared permission must never be served. @throws Error */
export function checkActions(operations: readonly Pick<Operation, "action" | "name">[]): void {
  for (const { action, name } of operations) {
    const isDeclared =
      typeof action === "function" || (typeof action === "string" && /^s3:[A-Z]\w+$/.test(action));
    if (!isDeclared) throw new Error(`the operation ${name} declares no permission that it needs`);
  }
}
