// The condition keys of policies, filled in from one request: from what the server knows of it, never from what a header
// or a parameter of such a name claims. A key that does not apply is absent.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys

import type { Authentication } from "../../auth/authenticate.ts";
import { accountNumberOf, isAnonymous, principalArn } from "../../core/account.ts";
import { S3Error } from "../../core/s3-error.ts";
import type { Tag } from "../../core/tags.ts";
import { findParam } from "../../core/wire-request.ts";
import type { WireRequest } from "../../core/wire-request.ts";
import type { BucketView } from "../../store/bucket-view.ts";
import type { GivenLock } from "../../store/records.ts";
import { parseCopySource } from "../copy-source.ts";
import type { S3Action } from "../operation.ts";
import { readTaggingHeader } from "../tags.ts";

/** What is known of the connection that a request came over. */
export interface Connection {
  readonly isSecure: boolean;
  /** "TLSv1.3"; undefined without TLS. */
  readonly tlsVersion: string | undefined;
  /** The address at the other end of the socket. */
  readonly remoteAddress: string | undefined;
}

/** What is the same for all that one request asks for. */
export interface RequestFacts {
  readonly authentication: Authentication;
  /** With its hoisted headers. */
  readonly request: WireRequest;
  readonly connection: Connection;
  readonly region: string;
}

export interface ConditionParts {
  readonly facts: RequestFacts;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly bucket: BucketView;
  readonly action: S3Action;
  readonly versionId: string | undefined;
  /** Where a listing is asked about that is not the request itself: its prefix. */
  readonly prefix?: string | undefined;
  /** Of the object that stands there; undefined where they were not looked up. */
  readonly existingTags: readonly Tag[] | undefined;
  /** Of the request's body, where they stand there. */
  readonly requestTags?: readonly Tag[] | undefined;
  readonly requestLock?: GivenLock | undefined;
}

/** The values of a key, which is lower-case; undefined where it is absent. */
export type ConditionValues = (key: string) => readonly string[] | undefined;

const DAY_MS = 24 * 60 * 60 * 1000;
const LISTINGS: ReadonlySet<S3Action> = new Set([
  "s3:ListBucket",
  "s3:ListBucketVersions",
  "s3:ListBucketMultipartUploads",
]);
const EXISTING_TAG = "s3:existingobjecttag/";
const REQUEST_TAG = "s3:requestobjecttag/";
const HEADER_KEY = "s3:x-amz-";
const AUTH_TYPES: Readonly<Record<Authentication["method"], string | undefined>> = {
  anonymous: undefined,
  form: "POST",
  header: "REST-HEADER",
  presigned: "REST-QUERY-STRING",
};

export function conditionValues(parts: ConditionParts): ConditionValues {
  return (key) => {
    if (key.startsWith(EXISTING_TAG)) return tagValue(parts.existingTags, key, EXISTING_TAG);
    if (key.startsWith(REQUEST_TAG)) return tagValue(requestTags(parts), key, REQUEST_TAG);
    if (key === "s3:requestobjecttagkeys") return requestTags(parts)?.map((tag) => tag.key);
    if (key === "s3:x-amz-copy-source") return one(copySource(parts.facts.request.headers));
    if (key.startsWith(HEADER_KEY))
      return one(parts.facts.request.headers.get(key.slice("s3:".length)));
    const known = KEYS.get(key);
    return known === undefined ? undefined : one(known(parts));
  };
}

type KeyValue = (parts: ConditionParts) => string | undefined;

const KEYS: ReadonlyMap<string, KeyValue> = new Map<string, KeyValue>([
  ["aws:currenttime", ({ now }) => new Date(now).toISOString()],
  ["aws:epochtime", ({ now }) => String(Math.floor(now / 1000))],
  ["aws:principalaccount", (parts) => numberOf(accountOf(parts))],
  ["aws:principalarn", (parts) => principalArn(accountOf(parts))],
  ["aws:principalisawsservice", () => "false"],
  ["aws:principaltype", (parts) => principalType(accountOf(parts))],
  ["aws:referer", header("referer")],
  ["aws:requestedregion", ({ facts }) => facts.region],
  ["aws:resourceaccount", ({ bucket }) => accountNumberOf(bucket.ownerId)],
  ["aws:securetransport", ({ facts }) => String(facts.connection.isSecure)],
  ["aws:sourceip", ({ facts }) => plainAddress(facts.connection.remoteAddress)],
  ["aws:useragent", header("user-agent")],
  ["aws:userid", (parts) => userIdOf(accountOf(parts))],
  ["aws:username", (parts) => userNameOf(accountOf(parts))],
  ["aws:viaawsservice", () => "false"],
  ["s3:authtype", ({ facts }) => AUTH_TYPES[facts.authentication.method]],
  ["s3:delimiter", (parts) => listingParam(parts, "delimiter")],
  ["s3:max-keys", (parts) => listingParam(parts, "max-keys")],
  ["s3:if-match", header("if-match")],
  ["s3:if-none-match", header("if-none-match")],
  ["s3:object-lock-legal-hold", legalHold],
  ["s3:object-lock-mode", lockMode],
  ["s3:object-lock-remaining-retention-days", remainingDays],
  ["s3:object-lock-retain-until-date", retainUntil],
  ["s3:objectcreationoperation", ({ action, facts }) => createsObject(action, facts.request)],
  ["s3:prefix", (parts) => parts.prefix ?? listingParam(parts, "prefix")],
  ["s3:resourceaccount", ({ bucket }) => accountNumberOf(bucket.ownerId)],
  ["s3:signatureage", ({ now, facts }) => ageOf(now, facts.authentication.signedAt)],
  ["s3:signatureversion", ({ facts }) => facts.authentication.version],
  ["s3:tlsversion", ({ facts }) => facts.connection.tlsVersion?.replace(/^TLSv/, "")],
  ["s3:versionid", ({ versionId }) => versionId],
]);

function one(value: string | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : [value];
}

function header(name: string): KeyValue {
  return ({ facts }) => facts.request.headers.get(name);
}

type Account = Authentication["account"];

function accountOf({ facts }: ConditionParts): Account {
  return facts.authentication.account;
}

function userIdOf(account: Account): string {
  return isAnonymous(account) ? "anonymous" : account.id;
}

function userNameOf(account: Account): string | undefined {
  return isAnonymous(account) ? undefined : account.name;
}

function numberOf(account: Account): string | undefined {
  return isAnonymous(account) ? undefined : accountNumberOf(account.id);
}

function principalType(account: Account): string {
  if (isAnonymous(account)) return "Anonymous";
  return principalArn(account)?.endsWith(":root") === true ? "Account" : "User";
}

/** An IPv4 address that came over an IPv6 socket is an IPv4 address. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "").replace(/%.*$/, "");
}

function listingParam(
  { action, facts: { request } }: ConditionParts,
  name: string,
): string | undefined {
  return LISTINGS.has(action) ? findParam(request, name) : undefined;
}

function ageOf(now: number, signedAt: number | undefined): string | undefined {
  return signedAt === undefined ? undefined : String(Math.max(0, now - signedAt));
}

function legalHold({ facts, requestLock }: ConditionParts): string | undefined {
  if (requestLock === undefined) return facts.request.headers.get("x-amz-object-lock-legal-hold");
  if (requestLock.legalHold === undefined) return undefined;
  return requestLock.legalHold ? "ON" : "OFF";
}

function lockMode({ facts, requestLock }: ConditionParts): string | undefined {
  if (requestLock !== undefined) return requestLock.retention?.mode;
  return facts.request.headers.get("x-amz-object-lock-mode");
}

function retainUntil({ facts, requestLock }: ConditionParts): string | undefined {
  if (requestLock === undefined) {
    return facts.request.headers.get("x-amz-object-lock-retain-until-date");
  }
  const { retention } = requestLock;
  return retention && new Date(retention.until).toISOString();
}

function remainingDays(parts: ConditionParts): string | undefined {
  const until = Date.parse(retainUntil(parts) ?? "");
  return Number.isNaN(until) ? undefined : String(Math.ceil((until - parts.now) / DAY_MS));
}

/** Not what only begins an upload, or adds a part to it: no condition on what stands there could be tried by that. */
function createsObject(action: S3Action, { method, query }: WireRequest): string | undefined {
  if (action !== "s3:PutObject") return undefined;
  const has = (name: string) => query.some((param) => param.name === name);
  return String(!has("uploads") && !(method === "PUT" && has("uploadId")));
}

/** As policies write it: `bucket/key`, decoded. What cannot be read is refused later, in the operation's own words. */
function copySource(headers: WireRequest["headers"]): string | undefined {
  const text = headers.get("x-amz-copy-source");
  if (text === undefined) return undefined;
  const source = orUndefined(() => parseCopySource(headers));
  return source === undefined ? text : `${source.bucketName}/${source.key}`;
}

function requestTags({
  facts: { request },
  requestTags: given,
}: ConditionParts): readonly Tag[] | undefined {
  if (given !== undefined) return given;
  if (!request.headers.has("x-amz-tagging")) return undefined;
  return orUndefined(() => readTaggingHeader(request.headers));
}

/** Tag keys are case-sensitive, condition keys are not: the first tag that matches in lower case counts. */
function tagValue(
  tags: readonly Tag[] | undefined,
  key: string,
  prefix: string,
): readonly string[] | undefined {
  const name = key.slice(prefix.length);
  return one(tags?.find((tag) => tag.key.toLowerCase() === name)?.value);
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}
