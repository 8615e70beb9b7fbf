// The default encryption of a bucket: its XML, and the document that is kept of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionRule.html

import { S3Error } from "../core/s3-error.ts";
import type { EncryptionRequest } from "../store/encryption/encryption-request.ts";
import { DEFAULT_KMS_KEY } from "../store/encryption/kms-key-id.ts";
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
  /** Whether what says nothing else is encrypted with the store's own keys: SSE-S3, or as `kms` says. */
  readonly isManaged: boolean;
  /** With a key that has this name, or the default one. */
  readonly kms: { readonly keyId: string | undefined } | undefined;
  /** Kept for who reads it back: it is about KMS. */
  readonly isBucketKeyEnabled: boolean;
  /** Whether objects with customer provided keys (SSE-C) are refused; undefined: nothing was said of that. */
  readonly isCustomerBlocked: boolean | undefined;
}

const ROOT = "ServerSideEncryptionConfiguration";
const BY_DEFAULT = "ApplyServerSideEncryptionByDefault";
const BLOCKED = "BlockedEncryptionTypes";
const KMS = "aws:kms";
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
      kms: kmsIn(fields.get("kms")),
      isBucketKeyEnabled: fields.get("isBucketKeyEnabled") === true,
      isCustomerBlocked: typeof isCustomerBlocked === "boolean" ? isCustomerBlocked : undefined,
    };
  },
};

function kmsIn(value: unknown): BucketEncryption["kms"] {
  if (typeof value !== "object" || value === null) return undefined;
  const keyId: unknown = Reflect.get(value, "keyId");
  return { keyId: typeof keyId === "string" ? keyId : undefined };
}

/** What a bucket asks for where a request asks for nothing. */
export function defaultRequest({
  isManaged,
  kms,
}: BucketEncryption): EncryptionRequest | undefined {
  if (kms !== undefined) return { kind: "kms", keyId: kms.keyId ?? DEFAULT_KMS_KEY };
  return isManaged ? { kind: "managed" } : undefined;
}

export function renderBucketEncryption(encryption: BucketEncryption): string {
  return JSON.stringify({ v: VERSION, ...encryption });
}

/** @throws S3Error MalformedXML, InvalidArgument, NotImplemented (two layers of KMS) */
export function parseBucketEncryption(xml: string): BucketEncryption {
  const root = parseXml(xml, ROOT);
  refuseOthers(root, ["Rule"]);
  const [rule, ...more] = listElements(root, "Rule");
  if (rule === undefined || more.length > 0) throw new S3Error("MalformedXML");
  refuseOthers(rule, [BY_DEFAULT, "BucketKeyEnabled", BLOCKED]);
  if (rule.children.length === 0) throw new S3Error("MalformedXML");
  return {
    // What a bucket of S3 has in any case.
    isManaged: true,
    kms: kmsOf(findElement(rule, BY_DEFAULT)),
    isBucketKeyEnabled: flagOf(findElementText(rule, "BucketKeyEnabled")),
    isCustomerBlocked: blockedOf(findElement(rule, BLOCKED)),
  };
}

function kmsOf(byDefault: XmlElement | undefined): BucketEncryption["kms"] {
  if (byDefault === undefined) return undefined;
  refuseOthers(byDefault, ["SSEAlgorithm", "KMSMasterKeyID"]);
  const algorithm = getElementText(byDefault, "SSEAlgorithm");
  if (algorithm === "aws:kms:dsse") {
    throw new S3Error("NotImplemented", {
      message: `Default encryption with ${algorithm} is not implemented: AES256 and ${KMS} are.`,
      detail: { SSEAlgorithm: algorithm },
    });
  }
  const keyId = findElementText(byDefault, "KMSMasterKeyID");
  if (algorithm === KMS) return { keyId };
  if (algorithm !== "AES256") throw new S3Error("MalformedXML");
  if (keyId === undefined) return undefined;
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
  const { isBucketKeyEnabled, isCustomerBlocked, kms } = encryption;
  const blocked = { EncryptionType: isCustomerBlocked === true ? "SSE-C" : "NONE" };
  return {
    Rule: {
      [BY_DEFAULT]: { SSEAlgorithm: kms ? KMS : "AES256", KMSMasterKeyID: kms?.keyId },
      BucketKeyEnabled: isBucketKeyEnabled,
      [BLOCKED]: isCustomerBlocked === undefined ? undefined : blocked,
    },
  };
}
