// Request headers that ask for a feature which is not there. Each is refused by name: an object that was to be
// encrypted, locked or shared must not be stored as if nothing had been asked.

import { S3Error } from "../core/s3-error.ts";
import type { S3ErrorCode } from "../core/s3-error.ts";

interface RefusedHeader {
  /** Lower-case; a trailing "*" stands for any ending. */
  readonly name: string;
  /** Values that ask for nothing beyond what is done anyway. */
  readonly accepted?: readonly string[];
  /** Other values that S3 knows; where this is given, what is in neither list is InvalidArgument. */
  readonly known?: readonly string[];
  readonly code: S3ErrorCode;
  readonly message: string;
}

const ENCRYPTION = {
  code: "NotImplemented",
  message: "Server-side encryption is not implemented.",
} as const;
const GRANTS = {
  code: "NotImplemented",
  message:
    "Access control lists other than private and bucket-owner-full-control are not implemented.",
} as const;

/** For operations that write objects. */
const ON_WRITE: readonly RefusedHeader[] = [
  { name: "x-amz-server-side-encryption", accepted: ["none"], ...ENCRYPTION },
  { name: "x-amz-server-side-encryption-aws-kms-key-id", ...ENCRYPTION },
  { name: "x-amz-server-side-encryption-context", ...ENCRYPTION },
  { name: "x-amz-server-side-encryption-bucket-key-enabled", accepted: ["false"], ...ENCRYPTION },
  { name: "x-amz-server-side-encryption-customer-*", ...ENCRYPTION },
  { name: "x-amz-copy-source-server-side-encryption-customer-*", ...ENCRYPTION },
  {
    name: "x-amz-acl",
    accepted: ["private", "bucket-owner-full-control"],
    known: [
      "authenticated-read",
      "aws-exec-read",
      "bucket-owner-read",
      "public-read",
      "public-read-write",
    ],
    ...GRANTS,
  },
  { name: "x-amz-grant-*", ...GRANTS },
  {
    name: "x-amz-write-offset-bytes",
    code: "NotImplemented",
    message: "Appending to objects is not implemented.",
  },
];

/** For operations that read objects: what is not encrypted cannot be read with a key. */
const ON_READ: readonly RefusedHeader[] = [
  {
    name: "x-amz-server-side-encryption-customer-*",
    code: "InvalidRequest",
    message: "The encryption parameters are not applicable to this object.",
  },
];

const CONDITIONAL_DELETE = {
  code: "NotImplemented",
  message: "A delete cannot have this condition.",
} as const;

/** For operations that delete: a condition that is not tried must stop the deletion. */
const ON_DELETE: readonly RefusedHeader[] = [
  { name: "if-match", ...CONDITIONAL_DELETE },
  { name: "x-amz-if-match-*", ...CONDITIONAL_DELETE },
  { name: "if-none-match", ...CONDITIONAL_DELETE },
];

/** DeleteObject tries the conditions that S3 has for it. */
const ON_DELETE_OBJECT: readonly RefusedHeader[] = [
  { name: "if-none-match", ...CONDITIONAL_DELETE },
];

const TABLES = {
  delete: ON_DELETE,
  "delete-object": ON_DELETE_OBJECT,
  read: ON_READ,
  write: ON_WRITE,
} as const;

/** @throws S3Error with the code and message of the first header that asks for what is not there. */
export function refuseHeaders(
  headers: ReadonlyMap<string, string>,
  kind: keyof typeof TABLES,
): void {
  for (const [name, value] of headers) {
    const entry = TABLES[kind].find((refused) => matches(refused.name, name));
    if (entry === undefined || entry.accepted?.includes(value)) continue;
    const detail = { ArgumentName: name, ArgumentValue: value };
    if (entry.known !== undefined && !entry.known.includes(value)) {
      throw new S3Error("InvalidArgument", { detail });
    }
    const isUnknownFeature = entry.code === "NotImplemented";
    throw new S3Error(entry.code, {
      message: entry.message,
      detail: isUnknownFeature ? { Header: name } : detail,
    });
  }
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
