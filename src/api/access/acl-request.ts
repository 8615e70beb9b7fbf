// What a request asks an access control list to be: a canned one (`x-amz-acl`), grants in headers (`x-amz-grant-*`), or a
// document in the body.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl

import type { AccountDirectory } from "../../auth/account-directory.ts";
import type { AccountId } from "../../core/ids.ts";
import { S3Error } from "../../core/s3-error.ts";
import { invalidArgument } from "../params.ts";
import { ownersAlone } from "./acl.ts";
import type { AclGroup, AclPermission, Grant, Grantee } from "./acl.ts";
import { granteeByEmail, granteeById, granteeByUri, parseAcl } from "./acl-xml.ts";

const CANNED = [
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-full-control",
  "bucket-owner-read",
  "log-delivery-write",
  "private",
  "public-read",
  "public-read-write",
] as const;
export type CannedAcl = (typeof CANNED)[number];

/** What headers say: nothing where undefined. */
export type GivenAcl =
  | { readonly kind: "canned"; readonly name: CannedAcl }
  | { readonly kind: "grants"; readonly grants: readonly Grant[] };

/** Whose the thing is to be, and whose the bucket is. */
export interface AclOwners {
  readonly owner: AccountId;
  readonly bucketOwner: AccountId;
}

const ACL = "x-amz-acl";
const GRANT_HEADERS: ReadonlyMap<string, AclPermission> = new Map([
  ["x-amz-grant-full-control", "FULL_CONTROL"],
  ["x-amz-grant-read", "READ"],
  ["x-amz-grant-read-acp", "READ_ACP"],
  ["x-amz-grant-write", "WRITE"],
  ["x-amz-grant-write-acp", "WRITE_ACP"],
]);
/** Amazon EC2, which `aws-exec-read` lets read machine images. */
const EC2 = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c" as AccountId;

type Headers = ReadonlyMap<string, string>;

/** @throws S3Error InvalidArgument, InvalidRequest (both kinds of header), UnresolvableGrantByEmailAddress */
export function readAclHeaders(headers: Headers, accounts: AccountDirectory): GivenAcl | undefined {
  const canned = headers.get(ACL);
  const grants = [...GRANT_HEADERS].flatMap(([header, permission]) =>
    readGrantees(headers, header, accounts).map((grantee) => ({ grantee, permission })),
  );
  if (canned === undefined) return grants.length > 0 ? { kind: "grants", grants } : undefined;
  if (grants.length > 0) {
    throw new S3Error("InvalidRequest", {
      message: "Specifying both Canned ACLs and Header Grants is not allowed",
    });
  }
  const name = CANNED.find((known) => known === canned);
  if (name === undefined) throw invalidArgument(ACL, canned, "Invalid Argument");
  return { kind: "canned", name };
}

/** `id="..."`, `emailAddress="..."` or `uri="..."`, with quotes or without, between commas. */
function readGrantees(
  headers: Headers,
  header: string,
  accounts: AccountDirectory,
): readonly Grantee[] {
  const text = headers.get(header);
  if (text === undefined) return [];
  return text.split(",").map((item) => {
    const mark = item.indexOf("=");
    const name = item.slice(0, Math.max(mark, 0)).trim().toLowerCase();
    const value = unquoted(item.slice(mark + 1).trim());
    if (name === "id") return granteeById(value, "id", accounts);
    if (name === "emailaddress") return granteeByEmail(value, accounts);
    if (name === "uri") return granteeByUri(value, "uri");
    throw invalidArgument(header, text, "Argument format not recognized");
  });
}

function unquoted(text: string): string {
  const isQuoted = text.length >= 2 && text.startsWith('"') && text.endsWith('"');
  return isQuoted ? text.slice(1, -1) : text;
}

/** What each canned list grants beside what is the owner's. */
const CANNED_GRANTS: Readonly<Record<CannedAcl, (bucketOwner: AccountId) => readonly Grant[]>> = {
  private: () => [],
  "public-read": () => [toGroup("AllUsers", "READ")],
  "public-read-write": () => [toGroup("AllUsers", "READ"), toGroup("AllUsers", "WRITE")],
  "authenticated-read": () => [toGroup("AuthenticatedUsers", "READ")],
  "log-delivery-write": () => [toGroup("LogDelivery", "WRITE"), toGroup("LogDelivery", "READ_ACP")],
  "aws-exec-read": () => [toId(EC2, "READ")],
  "bucket-owner-read": (bucketOwner) => [toId(bucketOwner, "READ")],
  "bucket-owner-full-control": (bucketOwner) => [toId(bucketOwner, "FULL_CONTROL")],
};

function toGroup(group: AclGroup, permission: AclPermission): Grant {
  return { grantee: { kind: "group", group }, permission };
}

function toId(id: AccountId, permission: AclPermission): Grant {
  return { grantee: { kind: "id", id }, permission };
}

/** The grants that a canned list stands for. */
export function cannedGrants(name: CannedAcl, { owner, bucketOwner }: AclOwners): readonly Grant[] {
  const isOwnBucket = owner === bucketOwner && name.startsWith("bucket-owner-");
  return [...ownersAlone(owner), ...(isOwnBucket ? [] : CANNED_GRANTS[name](bucketOwner))];
}

export function grantsOf(given: GivenAcl | undefined, owners: AclOwners): readonly Grant[] {
  if (given === undefined) return ownersAlone(owners.owner);
  return given.kind === "grants" ? given.grants : cannedGrants(given.name, owners);
}

/**
 * Whether it only says what holds anyway where lists are not in force: that all is the bucket owner's.
 * Differs from AWS: S3 refuses `private` there from the bucket's owner too, for whom it means nothing else; older clients
 * send it with every upload.
 */
export function isBucketOwnersAlone(given: GivenAcl, { owner, bucketOwner }: AclOwners): boolean {
  if (given.kind === "canned") {
    const isOwnPrivate = given.name === "private" && owner === bucketOwner;
    return isOwnPrivate || given.name === "bucket-owner-full-control";
  }
  return given.grants.every(
    ({ grantee, permission }) =>
      permission === "FULL_CONTROL" && grantee.kind === "id" && grantee.id === bucketOwner,
  );
}

/** What PutBucketAcl and PutObjectAcl are given: headers or a document. */
export interface AclRequest {
  readonly headers: Headers;
  readonly xml: string;
}

/**
 * The list that replaces the one that stands.
 * @throws S3Error MissingSecurityHeader, UnexpectedContent, AccessDenied (another owner), and as `readAclHeaders` and `parseAcl`
 */
export function requestedGrants(
  { headers, xml }: AclRequest,
  owners: AclOwners,
  accounts: AccountDirectory,
): readonly Grant[] {
  const given = readAclHeaders(headers, accounts);
  if (given !== undefined) {
    if (xml !== "") throw new S3Error("UnexpectedContent");
    return grantsOf(given, owners);
  }
  if (xml === "") {
    throw new S3Error("MissingSecurityHeader", { detail: { MissingHeaderName: ACL } });
  }
  const { ownerId, grants } = parseAcl(xml, accounts);
  if (ownerId !== undefined && ownerId !== owners.owner) throw new S3Error("AccessDenied");
  return grants;
}
