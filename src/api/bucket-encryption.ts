// The default encryption of a bucket: its XML, and the document that is kept of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionRule.html

import { S3Error } from "../core/s3-error.ts";
import type { DocumentKind } from "./bucket-settings.ts";
import {
  findElement,
  findElementText,
  getElementText,
  listElements,
  parseXml,
  refuseOthers,
  type XmlElement,
} from "./xml/parse.ts";
import type { XmlElements } from "./xml/render.ts";

export interface BucketEncryption {
  /** Whether what says nothing else is encrypted with the store's own keys (SSE-S3). */
  readonly isManaged: boolean;
  /** Kept for who reads it back: it is about KMS. */
  readonly isBucketKeyEnabled: boolean;
  /** Whether objects with customer provided keys (SSE-C) are refused; undefined: nothing was said of that. */
  readonly isCustomerBlocked: boolean | undefined;
}

const ROOT = "ServerSideEncryptionConfiguration";
const BY_DEFAULT = "ApplyServerSideEncryptionByDefault";
const BLOCKED = "BlockedEncryptionTypes";
const KMS: ReadonlySet<string> = new Set(["aws:kms", "aws:kms:dsse"]);
const VERSION = 1;

export const BUCKET_ENCRYPTION: DocumentKind<BucketEncryption> = {
  name: "encryption",
  parse: (text) => {
    const value: unknown = JSON.parse(text);
    const fields = new Map(
      typeof value === "object" && value !== null ? Object.entries(value) : [],
    );
    if (fields.get("v") !== VERSION) throw new Error("a bucket's encryption is of a newer version");
    const isCustomerBlocked: unknown = fields.get("isCustomerBlocked");
    return {
      isManaged: fields.get("isManaged") === true,
      isBucketKeyEnabled: fields.get("isBucketKeyEnabled") === true,
      isCustomerBlocked: typeof isCustomerBlocked === "boolean" ? isCustomerBlocked : undefined,
    };
  },
};

export function renderBucketEncryption(encryption: BucketEncryption): string {
  return JSON.stringify({ v: VERSION, ...encryption });
}

/** @throws S3Error MalformedXML, InvalidArgument, NotImplemented (KMS) */
export function parseBucketEncryption(xml: string): BucketEncryption {
  const root = parseXml(xml, ROOT);
  refuseOthers(root, ["Rule"]);
  const [rule, ...more] = listElements(root, "Rule");
  if (rule === undefined || more.length > 0) throw new S3Error("MalformedXML");
  refuseOthers(rule, [BY_DEFAULT, "BucketKeyEnabled", BLOCKED]);
  if (rule.children.length === 0) throw new S3Error("MalformedXML");
  checkDefault(findElement(rule, BY_DEFAULT));
  return {
    // What a bucket of S3 has in any case.
    isManaged: true,
    isBucketKeyEnabled: flagOf(findElementText(rule, "BucketKeyEnabled")),
    isCustomerBlocked: blockedOf(findElement(rule, BLOCKED)),
  };
}

function checkDefault(byDefault: XmlElement | undefined): void {
  if (byDefault === undefined) return;
  refuseOthers(byDefault, ["SSEAlgorithm", "KMSMasterKeyID"]);
  const algorithm = getElementText(byDefault, "SSEAlgorithm");
  if (KMS.has(algorithm)) {
    throw new S3Error("NotImplemented", {
      message: `Default encryption with KMS keys (${algorithm}) is not implemented: AES256 is.`,
      detail: { SSEAlgorithm: algorithm },
    });
  }
  if (algorithm !== "AES256") throw new S3Error("MalformedXML");
  if (findElementText(byDefault, "KMSMasterKeyID") === undefined) return;
  throw new S3Error("InvalidArgument", {
    message:
      "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
    detail: { ArgumentName: "ApplyServerSideEncryptionByDefault" },
  });
}

function flagOf(text: string | undefined): boolean {
  if (text === undefined) return false;
  if (text !== "true" && text !== "false") throw new S3Error("MalformedXML");
  return text === "true";
}

function blockedOf(blocked: XmlElement | undefined): boolean | undefined {
  if (blocked === undefined) return undefined;
  refuseOthers(blocked, ["EncryptionType"]);
  const types = listElements(blocked, "EncryptionType").map(({ text }) => text);
  const [type, ...more] = types;
  if ((type !== "SSE-C" && type !== "NONE") || more.length > 0) throw new S3Error("MalformedXML");
  return type === "SSE-C";
}

/** The content of GetBucketEncryption's answer. */
export function bucketEncryptionElements(encryption: BucketEncryption): XmlElements {
  const { isBucketKeyEnabled, isCustomerBlocked } = encryption;
  const blocked = { EncryptionType: isCustomerBlocked === true ? "SSE-C" : "NONE" };
  return {
    Rule: {
      [BY_DEFAULT]: { SSEAlgorithm: "AES256" },
      BucketKeyEnabled: isBucketKeyEnabled,
      [BLOCKED]: isCustomerBlocked === undefined ? undefined : blocked,
    },
  };
}
