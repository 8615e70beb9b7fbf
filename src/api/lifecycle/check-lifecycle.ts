// What S3 refuses in lifecycle rules that are well-formed: values out of range, actions that do not go together, and filters
// that an action cannot have. In S3's words, as far as they are known.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html

import {
  KEY_BYTES_MAX,
  OBJECT_TAGS_MAX,
  TAG_KEY_LENGTH_MAX,
  TAG_VALUE_LENGTH_MAX,
} from "../../core/limits.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { LifecycleFilter, LifecycleRule, Transition } from "../../lifecycle/lifecycle-rule.ts";

const RULES_MAX = 1_000;
const ID_LENGTH_MAX = 255;
const NEWER_VERSIONS_MAX = 100;
/** Days that an object must have stood before it may go to one of these classes. */
const INFREQUENT_DAYS_MIN = 30;
const INFREQUENT: ReadonlySet<string> = new Set(["ONEZONE_IA", "STANDARD_IA"]);
const REAL_DAY_MS = 86_400_000;

/** @throws S3Error InvalidArgument, InvalidRequest */
export function checkLifecycleRules(rules: readonly LifecycleRule[]): void {
  if (rules.length > RULES_MAX) {
    throw invalidRequest(
      `The number of lifecycle rules must not exceed the allowed limit of ${RULES_MAX} rules`,
    );
  }
  const forms = new Set(rules.map(({ form }) => form === "prefix"));
  if (forms.size > 1) {
    throw invalidRequest(
      "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.",
    );
  }
  for (const rule of rules) checkRule(rule);
  if (new Set(rules.map(({ id }) => id)).size < rules.length) {
    throw invalidArgument("Rule ID must be unique. Found same ID for more than one rule");
  }
}

function checkRule(rule: LifecycleRule): void {
  if (rule.id.length > ID_LENGTH_MAX) {
    throw invalidArgument(`ID length should not exceed allowed limit of ${ID_LENGTH_MAX}`);
  }
  const hasAction =
    rule.expiration !== undefined ||
    rule.noncurrentExpiration !== undefined ||
    rule.abortUploadDays !== undefined ||
    rule.transitions.length + rule.noncurrentTransitions.length > 0;
  if (!hasAction) throw invalidRequest("At least one action needs to be specified in a rule");
  checkFilter(rule.filter);
  checkActions(rule);
  checkFilterOfActions(rule);
  checkTransitions(rule);
}

function checkFilter({ prefix = "", tags, sizeGreaterThan, sizeLessThan }: LifecycleFilter): void {
  if (Buffer.byteLength(prefix) > KEY_BYTES_MAX) {
    throw invalidRequest(`The maximum size of a prefix is ${KEY_BYTES_MAX}.`);
  }
  if (tags.length > OBJECT_TAGS_MAX) {
    throw invalidRequest(`A rule may not have more than ${OBJECT_TAGS_MAX} tags.`);
  }
  if (new Set(tags.map(({ key }) => key)).size < tags.length) {
    throw invalidRequest("Duplicate Tag Keys are not allowed.");
  }
  for (const { key, value } of tags) {
    if (key === "" || key.length > TAG_KEY_LENGTH_MAX) {
      throw new S3Error("InvalidTag", { message: "The TagKey you have provided is invalid" });
    }
    if (value.length > TAG_VALUE_LENGTH_MAX) {
      throw new S3Error("InvalidTag", { message: "The TagValue you have provided is invalid" });
    }
  }
  if (sizeLessThan !== undefined && sizeLessThan <= (sizeGreaterThan ?? 0)) {
    throw invalidRequest(
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    );
  }
}

function checkActions({ expiration, noncurrentExpiration, abortUploadDays }: LifecycleRule): void {
  if (expiration?.kind === "days") checkPositive("Days", "Expiration", expiration.days);
  if (expiration?.kind === "date") checkMidnight(expiration.date);
  if (noncurrentExpiration !== undefined) {
    const { days, newerVersions } = noncurrentExpiration;
    checkPositive("NoncurrentDays", "NoncurrentVersionExpiration", days);
    checkNewer("NoncurrentVersionExpiration", newerVersions);
  }
  if (abortUploadDays !== undefined) {
    checkPositive("DaysAfterInitiation", "AbortIncompleteMultipartUpload", abortUploadDays);
  }
}

/** Delete markers and uploads have neither tags nor a size. */
function checkFilterOfActions({ filter, expiration, abortUploadDays }: LifecycleRule): void {
  const actions = [
    ...(abortUploadDays === undefined ? [] : ["AbortIncompleteMultipartUpload"]),
    ...(expiration?.kind === "marker" ? ["ExpiredObjectDeleteMarker"] : []),
  ];
  const [action] = actions;
  if (action === undefined) return;
  if (filter.tags.length > 0) throw invalidRequest(`${action} cannot be specified with Tags.`);
  if (filter.sizeGreaterThan !== undefined || filter.sizeLessThan !== undefined) {
    throw invalidRequest(`${action} cannot be specified with Object Size.`);
  }
}

function checkTransitions(rule: LifecycleRule): void {
  const { transitions, noncurrentTransitions, filter } = rule;
  for (const { days = 0, storageClass, date } of transitions) {
    checkNotNegative("Days", "Transition", days);
    if (date !== undefined) checkMidnight(date);
    else checkInfrequent("Days", "Transition", { days, storageClass });
  }
  for (const { days = 0, storageClass, newerVersions } of noncurrentTransitions) {
    checkNotNegative("NoncurrentDays", "NoncurrentVersionTransition", days);
    checkNewer("NoncurrentVersionTransition", newerVersions);
    checkInfrequent("NoncurrentDays", "NoncurrentVersionTransition", { days, storageClass });
  }
  const where = `filter '(prefix=${filter.prefix ?? ""})'`;
  refuseTwice("Transition", transitions, where);
  refuseTwice("NoncurrentVersionTransition", noncurrentTransitions, where);
  checkOrder(rule, where);
}

/** What expires must have been moved before. */
function checkOrder(rule: LifecycleRule, where: string): void {
  const { expiration, transitions, noncurrentExpiration, noncurrentTransitions } = rule;
  const byDate = transitions.some(({ date }) => date !== undefined);
  const byDays = transitions.some(({ date }) => date === undefined);
  if (
    (byDate && (byDays || expiration?.kind === "days")) ||
    (byDays && expiration?.kind === "date")
  ) {
    throw invalidRequest(
      `Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for ${where}`,
    );
  }
  for (const { days = 0, date = 0 } of transitions) {
    const isLate =
      (expiration?.kind === "days" && expiration.days <= days) ||
      (expiration?.kind === "date" && expiration.date <= date);
    if (isLate)
      throw tooEarly(
        expiration.kind === "days" ? "Days" : "Date",
        ["Expiration", "Transition"],
        where,
      );
  }
  const last = Math.max(...noncurrentTransitions.map(({ days = 0 }) => days), -1);
  if (noncurrentExpiration !== undefined && noncurrentExpiration.days <= last) {
    const actions = ["NoncurrentVersionExpiration", "NoncurrentVersionTransition"] as const;
    throw tooEarly("NoncurrentDays", actions, where);
  }
}

function tooEarly(name: string, actions: readonly [string, string], where: string): S3Error {
  const [later, earlier] = actions;
  return invalidArgument(
    `'${name}' in the ${later} action for ${where} must be greater than '${name}' in the ${earlier} action`,
  );
}

function refuseTwice(
  action: string,
  transitions: readonly Pick<Transition, "storageClass">[],
  where: string,
): void {
  const classes = new Set(transitions.map(({ storageClass }) => storageClass));
  if (classes.size === transitions.length) return;
  throw invalidRequest(
    `'StorageClass' must be different for '${action}' actions in same 'Rule' with ${where}`,
  );
}

function checkInfrequent(
  name: string,
  action: string,
  { days, storageClass }: { readonly days: number; readonly storageClass: string },
): void {
  if (!INFREQUENT.has(storageClass) || days >= INFREQUENT_DAYS_MIN) return;
  throw invalidArgument(
    `'${name}' in ${action} action must be greater than or equal to ${INFREQUENT_DAYS_MIN} for storageClass '${storageClass}'`,
  );
}

function checkPositive(name: string, action: string, value: number): void {
  if (value > 0) return;
  throw invalidArgument(`'${name}' for ${action} action must be a positive integer`);
}

function checkNotNegative(name: string, action: string, value: number): void {
  if (value >= 0) return;
  throw invalidArgument(`'${name}' in ${action} action must be nonnegative`);
}

function checkNewer(action: string, count: number | undefined): void {
  if (count === undefined) return;
  checkPositive("NewerNoncurrentVersions", action, count);
  if (count <= NEWER_VERSIONS_MAX) return;
  throw invalidArgument(
    `'NewerNoncurrentVersions' for ${action} action must be less than or equal to ${NEWER_VERSIONS_MAX}`,
  );
}

function checkMidnight(date: number): void {
  if (date % REAL_DAY_MS === 0) return;
  throw invalidArgument("'Date' must be at midnight GMT");
}

function invalidArgument(message: string): S3Error {
  return new S3Error("InvalidArgument", { message });
}

function invalidRequest(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
