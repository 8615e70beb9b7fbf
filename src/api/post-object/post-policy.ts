// The policy of a POST form: until when, and for which values of its fields, the form is good. Parsed strictly: a policy
// that is not understood must not let anything through.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html

import { S3Error } from "../../core/s3-error.ts";

export interface FieldCondition {
  readonly operator: "eq" | "starts-with";
  /** Lower-case, without the `$`. */
  readonly field: string;
  readonly value: string;
  /** As the policy has it, for the error. */
  readonly text: string;
}

export interface PostPolicy {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly conditions: readonly FieldCondition[];
  /** In bytes, both ends included; of several the narrowest that all allow. */
  readonly sizeRange: { readonly min: number; readonly max: number } | undefined;
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
/** Before this a calendar date would be ambiguous with `Date.parse` rolling days over. */
const DAY_LENGTH = "YYYY-MM-DD".length;

/** `text` is base64, as the form has it. @throws S3Error InvalidPolicyDocument */
export function parsePostPolicy(text: string): PostPolicy {
  const document = parseJson(decode(text));
  if (!isRecord(document)) throw refuse("Invalid JSON: it is not an object.");
  for (const name of Object.keys(document)) {
    if (name !== "expiration" && name !== "conditions") throw refuse(`Unexpected: '${name}'`);
  }
  const { expiration, conditions } = document;
  if (expiration === undefined) throw refuse("Policy missing expiration.");
  if (conditions === undefined) throw refuse("Policy missing conditions.");
  if (!Array.isArray(conditions)) throw refuse("Conditions must be a list.");
  const expiresAt = parseExpiration(expiration);
  return { expiresAt, ...readConditions(conditions) };
}

function decode(text: string): string {
  if (!BASE64.test(text)) throw refuse("Invalid Base64.");
  try {
    const bytes = Buffer.from(text, "base64");
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("Invalid UTF-8.");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refuse("Invalid JSON.");
  }
}

function parseExpiration(value: unknown): number {
  const expiresAt = typeof value === "string" && DATE.test(value) ? Date.parse(value) : Number.NaN;
  const isReal =
    !Number.isNaN(expiresAt) &&
    new Date(expiresAt).toISOString().startsWith(String(value).slice(0, DAY_LENGTH));
  if (!isReal) throw refuse(`Invalid 'expiration' value: '${shown(value)}'`);
  return expiresAt;
}

function readConditions(list: readonly unknown[]): Pick<PostPolicy, "conditions" | "sizeRange"> {
  const conditions: FieldCondition[] = [];
  let sizeRange: PostPolicy["sizeRange"];
  for (const item of list) {
    const range = findSizeRange(item);
    if (range === undefined) {
      conditions.push(Array.isArray(item) ? readTriple(item) : readPair(item));
    } else {
      sizeRange = {
        min: Math.max(range.min, sizeRange?.min ?? 0),
        max: Math.min(range.max, sizeRange?.max ?? Number.MAX_SAFE_INTEGER),
      };
    }
  }
  return { conditions, sizeRange };
}

/** `{"acl": "private"}`: exactly one field, exactly that value. */
function readPair(item: unknown): FieldCondition {
  const entries = isRecord(item) ? Object.entries(item) : [];
  const [entry, second] = entries;
  if (entry === undefined || second !== undefined) {
    throw refuse(
      "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
    );
  }
  const [field, value] = entry;
  const text = `["eq", "$${field}", "${shown(value)}"]`;
  return { operator: "eq", field: field.toLowerCase(), value: valueOf(value, item), text };
}

/** `["starts-with", "$key", "user/"]`. */
function readTriple(item: readonly unknown[]): FieldCondition {
  const [operatorValue, field, value] = item;
  if (item.length !== 3 || typeof operatorValue !== "string" || typeof field !== "string") {
    throw refuse("Invalid Condition: wrong number of arguments.");
  }
  const operator = operatorValue.toLowerCase();
  if (operator !== "eq" && operator !== "starts-with") {
    throw refuse(`Invalid Condition: unknown operation '${operatorValue}'.`);
  }
  if (!field.startsWith("$") || field.length === 1) {
    throw refuse(`Invalid Condition: the name of a field begins with '$', not so '${field}'.`);
  }
  const text = `["${operator}", "${field}", "${shown(value)}"]`;
  const name = field.slice(1).toLowerCase();
  return { operator, field: name, value: valueOf(value, item), text };
}

function findSizeRange(item: unknown): { readonly min: number; readonly max: number } | undefined {
  if (!Array.isArray(item)) return undefined;
  const [operator, min, max] = item as readonly unknown[];
  if (typeof operator !== "string" || operator.toLowerCase() !== "content-length-range") {
    return undefined;
  }
  if (item.length !== 3) throw refuse("Invalid Content-Length-Range: two numbers are needed.");
  return { min: sizeOf(min), max: sizeOf(max) };
}

function sizeOf(value: unknown): number {
  const size = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
  throw refuse(`Invalid Content-Length-Range: '${shown(value)}' is not a number of bytes.`);
}

/** boto's users write numbers where they mean text: `{"success_action_status": 201}`. */
function valueOf(value: unknown, condition: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  throw refuse(`Invalid Condition: '${shown(condition)}' needs a text to compare with.`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const SHOWN_LENGTH_MAX = 200;

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return (text ?? "").slice(0, SHOWN_LENGTH_MAX);
}

function refuse(message: string): S3Error {
  return new S3Error("InvalidPolicyDocument", { message: `Invalid Policy: ${message}` });
}
