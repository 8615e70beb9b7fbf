// Access control lists: who was granted what on a bucket or an object. The model, its stored text, and the tests on it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
//
// Stored as JSON: `[["id", CANONICAL-ID, PERMISSION], ["group", NAME, PERMISSION], ...]`. No text at all is the list that
// most things have: the owner has FULL_CONTROL, and nobody else anything.

import type { Account } from "../../core/account.ts";
import { isAnonymous } from "../../core/account.ts";
import type { AccountId } from "../../core/ids.ts";
import type { DocumentKind } from "../bucket-settings.ts";

export type AclPermission = "FULL_CONTROL" | "READ" | "READ_ACP" | "WRITE" | "WRITE_ACP";
export type AclGroup = "AllUsers" | "AuthenticatedUsers" | "LogDelivery";

export type Grantee =
  | { readonly kind: "group"; readonly group: AclGroup }
  | { readonly kind: "id"; readonly id: AccountId };

export interface Grant {
  readonly grantee: Grantee;
  readonly permission: AclPermission;
}

const GROUP_URIS: Readonly<Record<AclGroup, string>> = {
  AllUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  LogDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
};
const GROUPS: ReadonlyMap<string, AclGroup> = new Map([
  [GROUP_URIS.AllUsers, "AllUsers"],
  [GROUP_URIS.AuthenticatedUsers, "AuthenticatedUsers"],
  [GROUP_URIS.LogDelivery, "LogDelivery"],
]);
const PERMISSIONS: ReadonlySet<string> = new Set<AclPermission>([
  "FULL_CONTROL",
  "READ",
  "READ_ACP",
  "WRITE",
  "WRITE_ACP",
]);

export function isAclPermission(text: string): text is AclPermission {
  return PERMISSIONS.has(text);
}

export function groupUri(group: AclGroup): string {
  return GROUP_URIS[group];
}

/** The group that a URI names; undefined for any other. */
export function findGroup(uri: string): AclGroup | undefined {
  return GROUPS.get(uri);
}

export function ownersAlone(owner: AccountId): readonly Grant[] {
  return [{ grantee: { kind: "id", id: owner }, permission: "FULL_CONTROL" }];
}

/** As it is kept; undefined for the list that needs no text. */
export function writeAcl(grants: readonly Grant[], owner: AccountId): string | undefined {
  const [only] = grants;
  const isOwnersAlone =
    grants.length === 1 &&
    only?.permission === "FULL_CONTROL" &&
    only.grantee.kind === "id" &&
    only.grantee.id === owner;
  if (isOwnersAlone) return undefined;
  return JSON.stringify(
    grants.map(({ grantee, permission }) =>
      grantee.kind === "id" ? ["id", grantee.id, permission] : ["group", grantee.group, permission],
    ),
  );
}

/** What `writeAcl` wrote. @throws Error for anything else: a list that cannot be read grants nothing */
export function readAcl(text: string): readonly Grant[] {
  const rows: unknown = JSON.parse(text);
  if (!Array.isArray(rows)) throw new Error("the stored access control list cannot be read");
  return rows.map((row: unknown) => readGrant(row));
}

function readGrant(row: unknown): Grant {
  const [kind, name, permission]: unknown[] = Array.isArray(row) ? row : [];
  if (typeof name === "string" && typeof permission === "string" && isAclPermission(permission)) {
    if (kind === "id") return { grantee: { kind, id: name as AccountId }, permission };
    if (kind === "group" && Object.hasOwn(GROUP_URIS, name)) {
      return { grantee: { kind, group: name as AclGroup }, permission };
    }
  }
  throw new Error("the stored access control list cannot be read");
}

/** Of a bucket; absent: the owner's alone. */
export const BUCKET_ACL: DocumentKind<readonly Grant[]> = { name: "acl", parse: readAcl };

/** Whether it opens anything to everybody: to all, or to all who have an account somewhere. */
export function isPublicAcl(grants: readonly Grant[]): boolean {
  return grants.some(({ grantee }) => isPublicGrantee(grantee));
}

function isPublicGrantee(grantee: Grantee): boolean {
  return grantee.kind === "group" && grantee.group !== "LogDelivery";
}

/** @param ignorePublic the public access block's IgnorePublicAcls */
export function grantsTo(
  grants: readonly Grant[],
  account: Account,
  permission: AclPermission,
  ignorePublic: boolean,
): boolean {
  return grants.some(
    (grant) =>
      (grant.permission === permission || grant.permission === "FULL_CONTROL") &&
      !(ignorePublic && isPublicGrantee(grant.grantee)) &&
      includes(grant.grantee, account),
  );
}

function includes(grantee: Grantee, account: Account): boolean {
  if (grantee.kind === "group" && grantee.group === "AllUsers") return true;
  if (isAnonymous(account)) return false;
  return grantee.kind === "id" ? grantee.id === account.id : grantee.group === "AuthenticatedUsers";
}
