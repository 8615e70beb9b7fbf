// Whether a form is one that its policy allows: in time, every condition met, and no field that no condition speaks of.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html

import { S3Error } from "../../core/s3-error.ts";
import type { Clock } from "../../util/clock.ts";
import type { FieldCondition, PostPolicy } from "./post-policy.ts";

/** Fields that no condition has to name, beside those with the prefixes below. */
const FREE_FIELDS: ReadonlySet<string> = new Set([
  "awsaccesskeyid",
  "file",
  "policy",
  "signature",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-signature",
]);
/** A checksum makes a form stricter, never laxer; ceph/s3-tests send one that no condition names. */
const FREE_PREFIXES = ["x-ignore-", "x-amz-checksum-"];

/** A condition on it may be met by any of several values: the field's are separated by commas. */
const LISTS: ReadonlySet<string> = new Set(["content-type"]);

/**
 * `fields` by lower-case name, with `bucket` as the request is addressed and `key` as it will be.
 * @throws S3Error AccessDenied
 */
export function checkPostPolicy(
  policy: PostPolicy,
  fields: ReadonlyMap<string, string>,
  clock: Clock,
): void {
  if (clock.now() >= clock.translate(policy.expiresAt)) throw refuse("Policy expired.");
  for (const condition of policy.conditions) {
    if (!isMet(condition, fields)) throw refuse(`Policy Condition failed: ${condition.text}`);
  }
  const named = new Set(policy.conditions.map(({ field }) => field));
  const extra = [...fields.keys()].filter((name) => !named.has(name) && !isFree(name));
  if (extra.length > 0) throw refuse(`Extra input fields: ${extra.join(", ")}`);
}

/** A field that is not there is empty: "starts with nothing" is how a policy lets a field be anything. */
function isMet(
  { operator, field, value }: FieldCondition,
  fields: ReadonlyMap<string, string>,
): boolean {
  const given = fields.get(field) ?? "";
  if (operator === "eq") return given === value;
  if (!LISTS.has(field)) return given.startsWith(value);
  return given.split(",").every((part) => part.trimStart().startsWith(value));
}

function isFree(name: string): boolean {
  return FREE_FIELDS.has(name) || FREE_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function refuse(message: string): S3Error {
  return new S3Error("AccessDenied", { message: `Invalid according to Policy: ${message}` });
}
