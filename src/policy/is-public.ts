// Whether a policy opens the bucket to the public, by AWS's meaning of the word: it allows something to everybody, and no
// condition confines them to fixed values of where or who they are. Denials are not weighed against it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status

import type { BucketPolicy } from "./bucket-policy.ts";
import type { Condition } from "./condition.ts";
import { parseIpRange } from "./ip-range.ts";

/** A fixed value of one of these names a caller, or where the caller is. */
const CONFINING_KEYS = new Set([
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourceorgid",
  "aws:sourceorgpaths",
  "aws:sourceowner",
  "aws:sourcevpc",
  "aws:sourcevpcarn",
  "aws:sourcevpce",
  "aws:userid",
  "aws:vpceaccount",
  "aws:vpceorgid",
  "aws:vpceorgpaths",
  "s3:dataaccesspointaccount",
]);
const CONFINING_OPERATORS = new Set([
  "arnequals",
  "arnlike",
  "stringequals",
  "stringequalsignorecase",
  "stringlike",
]);
/** Of an access point only the account must be fixed: `arn:aws:s3:eu-west-1:111122223333:accesspoint/*`. */
const ACCESS_POINT = /^arn:aws[a-z-]*:s3:[a-z0-9-]+:\d{12}:accesspoint[/:][^$]+$/;
/** Ranges with shorter prefixes count as everybody. */
const PREFIX_BITS_MIN = { v4: 8, v6: 32 };
const V4_WORDS = 2;

export function isPublic(policy: BucketPolicy): boolean {
  return policy.statements.some(({ effect, principals, conditions }) => {
    const isForEverybody = principals.items.isEverybody !== principals.isInverted;
    return effect === "Allow" && isForEverybody && !conditions.some(confines);
  });
}

/** Each value must, as any of them lets a caller in. What also holds without the key confines nobody. */
function confines(condition: Condition): boolean {
  const { key, operator, qualifier, isNegated, isIfExists, values } = condition;
  if (isNegated || isIfExists || qualifier === "all") return false;
  if (key === "aws:sourceip") return operator === "ipaddress" && values.every(isNarrow);
  if (!CONFINING_OPERATORS.has(operator)) return false;
  if (key === "s3:dataaccesspointarn") return values.every((value) => ACCESS_POINT.test(value));
  return CONFINING_KEYS.has(key) && values.every(isFixed);
}

function isFixed(value: string): boolean {
  return value !== "" && !/[*?]|\$\{/.test(value);
}

function isNarrow(value: string): boolean {
  const range = parseIpRange(value);
  if (range === undefined) return false;
  const isV4 = range.address.length === V4_WORDS;
  return range.prefixBits >= (isV4 ? PREFIX_BITS_MIN.v4 : PREFIX_BITS_MIN.v6);
}
