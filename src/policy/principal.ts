// Whom a statement speaks of. Whether an account or user exists is not looked up: a name that nobody has matches nobody.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

import { malformedPolicy } from "./malformed-policy.ts";
import type { JsonValue } from "./strict-json.ts";

/** Who makes a request, by every name that a policy may know them under. */
export interface PolicyIdentity {
  /** Twelve digits. */
  readonly accountId: string;
  /** `arn:aws:iam::ACCOUNT:user/NAME`, or the account's `:root`. */
  readonly arn: string;
  readonly canonicalId: string;
}

export type PolicyPrincipal = PolicyIdentity | "anonymous";

export interface PrincipalSet {
  /** Whether it is `*`: everybody, those who do not sign included. */
  readonly isEverybody: boolean;
  readonly accountIds: ReadonlySet<string>;
  readonly arns: ReadonlySet<string>;
  readonly canonicalIds: ReadonlySet<string>;
}

const ACCOUNT_ID = /^\d{12}$/;
/**
 * Differs from AWS: an account may have a word for its number here, as tenants of other servers do; it is nobody's.
 * Neither here nor there may a part of an ARN be a wildcard.
 */
const ACCOUNT_ARN = /^arn:aws[a-z-]*:iam::([A-Za-z0-9_-]{1,64}):root$/;
const IDENTITY_ARN =
  /^arn:aws[a-z-]*:(?:iam::[A-Za-z0-9_-]{1,64}:(?:role|user)|sts::[A-Za-z0-9_-]{1,64}:(?:assumed-role|federated-user))\/[\w+=,.@/-]{1,576}$/;
const CANONICAL_ID = /^[\w+=,.@-]{1,128}$/;
const SERVICE = /^[a-z0-9.-]{1,128}\.amazonaws\.com(?:\.cn)?$/;
const FEDERATED = /^[\w:./-]{1,256}$/;

/** @throws S3Error MalformedPolicy */
export function parsePrincipals(element: JsonValue): PrincipalSet {
  const names = { accountIds: new Set<string>(), arns: new Set<string>() };
  const canonicalIds = new Set<string>();
  if (element === "*") return { ...names, canonicalIds, isEverybody: true };
  if (!(element instanceof Map) || element.size === 0) throw invalidPrincipal();
  let isEverybody = false;
  for (const [kind, value] of element as ReadonlyMap<string, JsonValue>) {
    for (const name of namesOf(value)) {
      if (name === "*" && kind === "AWS") isEverybody = true;
      else if (kind === "AWS") addAwsName(name, names);
      else if (kind === "CanonicalUser" && CANONICAL_ID.test(name)) canonicalIds.add(name);
      else if (!isForeign(kind, name)) throw invalidPrincipal(`"${kind}" : "${name}"`);
    }
  }
  return { ...names, canonicalIds, isEverybody };
}

export function matchesPrincipal(set: PrincipalSet, principal: PolicyPrincipal): boolean {
  if (set.isEverybody) return true;
  if (principal === "anonymous") return false;
  return (
    set.accountIds.has(principal.accountId) ||
    set.arns.has(principal.arn) ||
    set.canonicalIds.has(principal.canonicalId)
  );
}

/** An account, by number or root ARN, stands for everybody in it. */
function addAwsName(name: string, names: { accountIds: Set<string>; arns: Set<string> }): void {
  const accountId = ACCOUNT_ID.test(name) ? name : ACCOUNT_ARN.exec(name)?.[1];
  if (accountId !== undefined) names.accountIds.add(accountId);
  else if (IDENTITY_ARN.test(name)) names.arns.add(name);
  else throw invalidPrincipal(`"AWS" : "${name}"`);
}

/** Services and identity providers are accepted by their form; none of them ever calls here. */
function isForeign(kind: string, name: string): boolean {
  if (kind === "Service") return SERVICE.test(name);
  return kind === "Federated" && FEDERATED.test(name);
}

function namesOf(value: JsonValue): string[] {
  const names: readonly JsonValue[] = Array.isArray(value) ? value : [value];
  if (names.length === 0) throw invalidPrincipal();
  return names.map((name) => {
    if (typeof name !== "string") throw invalidPrincipal();
    return name;
  });
}

function invalidPrincipal(text?: string) {
  return malformedPolicy("Invalid principal in policy", text);
}
