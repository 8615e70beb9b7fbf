// The XML of access control lists, read and written.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AccessControlPolicy.html

import type { AccountDirectory } from "../../auth/account-directory.ts";
import type { AccountId } from "../../core/ids.ts";
import { S3Error } from "../../core/s3-error.ts";
import { ownerElement } from "../owner.ts";
import { invalidArgument } from "../params.ts";
import { findElementText, getElement, listElements, parseXml, refuseOthers } from "../xml/parse.ts";
import type { XmlElement } from "../xml/parse.ts";
import type { XmlElements } from "../xml/render.ts";
import { findGroup, groupUri, isAclPermission } from "./acl.ts";
import type { Grant, Grantee } from "./acl.ts";

const GRANTS_MAX = 100;
const XSI = "http://www.w3.org/2001/XMLSchema-instance";

export interface ParsedAcl {
  /** Whom the document calls the owner; undefined where it does not say. */
  readonly ownerId: string | undefined;
  readonly grants: readonly Grant[];
}

/** @throws S3Error MalformedACLError, InvalidArgument, UnresolvableGrantByEmailAddress */
export function parseAcl(xml: string, accounts: AccountDirectory): ParsedAcl {
  return asAclError(() => {
    const root = parseXml(xml, "AccessControlPolicy");
    refuseOthers(root, ["Owner", "AccessControlList"]);
    const owner = listElements(root, "Owner")[0];
    if (owner !== undefined) refuseOthers(owner, ["ID", "DisplayName"]);
    const list = getElement(root, "AccessControlList");
    refuseOthers(list, ["Grant"]);
    const grants = listElements(list, "Grant");
    if (grants.length > GRANTS_MAX) throw new S3Error("MalformedACLError");
    return {
      ownerId: owner === undefined ? undefined : findElementText(owner, "ID"),
      grants: grants.map((grant) => parseGrant(grant, accounts)),
    };
  });
}

/** The document's own faults have a code of their own here. */
function asAclError<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "MalformedXML") throw error;
    throw new S3Error("MalformedACLError", { cause: error });
  }
}

function parseGrant(element: XmlElement, accounts: AccountDirectory): Grant {
  refuseOthers(element, ["Grantee", "Permission"]);
  const permission = findElementText(element, "Permission") ?? "";
  if (!isAclPermission(permission)) throw new S3Error("MalformedACLError");
  return { grantee: parseGrantee(getElement(element, "Grantee"), accounts), permission };
}

/** The element that names it says which kind it is, as well as its `xsi:type`. */
function parseGrantee(element: XmlElement, accounts: AccountDirectory): Grantee {
  refuseOthers(element, ["ID", "DisplayName", "EmailAddress", "URI"]);
  const id = findElementText(element, "ID");
  const email = findElementText(element, "EmailAddress");
  const uri = findElementText(element, "URI");
  if ([id, email, uri].filter((name) => name !== undefined).length !== 1) {
    throw new S3Error("MalformedACLError");
  }
  if (id !== undefined) return granteeById(id, "CanonicalUser/ID", accounts);
  if (email !== undefined) return granteeByEmail(email, accounts);
  return granteeByUri(uri ?? "", "Group/URI");
}

/** @throws S3Error InvalidArgument for an account that is not there */
export function granteeById(id: string, where: string, accounts: AccountDirectory): Grantee {
  const account = accounts.find(id as AccountId);
  if (account === undefined) throw invalidArgument(where, id, "Invalid id");
  return { kind: "id", id: account.id };
}

/** @throws S3Error UnresolvableGrantByEmailAddress */
export function granteeByEmail(email: string, accounts: AccountDirectory): Grantee {
  const account = accounts.findByEmail(email);
  if (account !== undefined) return { kind: "id", id: account.id };
  throw new S3Error("UnresolvableGrantByEmailAddress", { detail: { EmailAddress: email } });
}

/** @throws S3Error InvalidArgument for any but the groups of S3 */
export function granteeByUri(uri: string, where: string): Grantee {
  const group = findGroup(uri);
  if (group === undefined) throw invalidArgument(where, uri, "Invalid group uri");
  return { kind: "group", group };
}

/** The content of an `AccessControlPolicy`: groups first. */
export function renderAcl(
  ownerId: AccountId,
  grants: readonly Grant[],
  accounts: AccountDirectory,
): XmlElements {
  const ordered = [
    ...grants.filter(({ grantee }) => grantee.kind === "group"),
    ...grants.filter(({ grantee }) => grantee.kind === "id"),
  ];
  return {
    Owner: ownerElement(ownerId, accounts),
    AccessControlList: {
      Grant: ordered.map(({ grantee, permission }) => ({
        Grantee:
          grantee.kind === "group"
            ? { "@xmlns:xsi": XSI, "@xsi:type": "Group", URI: groupUri(grantee.group) }
            : {
                "@xmlns:xsi": XSI,
                "@xsi:type": "CanonicalUser",
                ...ownerElement(grantee.id, accounts),
              },
        Permission: permission,
      })),
    },
  };
}
