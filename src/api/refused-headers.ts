// Request headers that ask for a feature which is not there. Each is refused by name: an object that was to be
// encrypted, locked or shared must not be stored as if nothing had been asked.

import { S3Error } from "../core/s3-error.ts";
import type { S3ErrorCode } from "../core/s3-error.ts";

interface RefusedHeader {
  /** Lower-case; a trailing "*" stands for any ending. */
  readonly name: string;
  /** Values that ask for nothing beyond what is done anyway. */
  readonly accepted?: readonly string[];
  readonly code: S3ErrorCode;
  readonly message: string;
}

const BUCKET_KEY = {
  code: "NotImplemented",
  message:
    "Bucket keys are not implemented: the keys of KMS are the server's own, and asking them costs nothing.",
} as const;
const ENCRYPTION_OF_OBJECT: RefusedHeader = {
  name: "x-amz-server-side-encryption",
  code: "InvalidArgument",
  message: "x-amz-server-side-encryption header is not supported for this operation.",
};

/** For operations that write objects. */
const ON_WRITE: readonly RefusedHeader[] = [
  { name: "x-amz-server-side-encryption-bucket-key-enabled", accepted: ["false"], ...BUCKET_KEY },
  {
    name: "x-amz-write-offset-bytes",
    code: "NotImplemented",
    message: "Appending to objects is not implemented.",
  },
  {
    name: "x-amz-object-lock-event-hold*",
    code: "NotImplemented",
    message: "Event holds of object lock are not implemented.",
  },
];

/** For parts: how they are encrypted was said when their upload was begun. */
const ON_PART: readonly RefusedHeader[] = [ENCRYPTION_OF_OBJECT, ...ON_WRITE];

/** For operations that read objects: how they are encrypted is known. */
const ON_READ: readonly RefusedHeader[] = [ENCRYPTION_OF_OBJECT];

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

/** As each header of each request is looked for. */
interface Table {
  readonly exact: ReadonlyMap<string, RefusedHeader>;
  /** With names that are the beginning of many. */
  readonly beginning: readonly RefusedHeader[];
}

function tableOf(refused: readonly RefusedHeader[]): Table {
  const isOpen = ({ name }: RefusedHeader) => name.endsWith("*");
  const exact = refused.filter((entry) => !isOpen(entry));
  const open = refused.filter(isOpen);
  return {
    exact: new Map(exact.map((entry) => [entry.name, entry])),
    beginning: open.map((entry) => ({ ...entry, name: entry.name.slice(0, -1) })),
  };
}

const TABLES = {
  delete: tableOf(ON_DELETE),
  "delete-object": tableOf(ON_DELETE_OBJECT),
  part: tableOf(ON_PART),
  read: tableOf(ON_READ),
  write: tableOf(ON_WRITE),
} as const;

/** @throws S3Error with the code and message of the first header that asks for what is not there. */
export function refuseHeaders(
  headers: ReadonlyMap<string, string>,
  kind: keyof typeof TABLES,
): void {
  const { exact, beginning } = TABLES[kind];
  for (const [name, value] of headers) {
    const entry = exact.get(name) ?? beginning.find((refused) => name.startsWith(refused.name));
    if (entry === undefined || entry.accepted?.includes(value)) continue;
    const detail = { ArgumentName: name, ArgumentValue: value };
    const isUnknownFeature = entry.code === "NotImplemented";
    throw new S3Error(entry.code, {
      message: entry.message,
      detail: isUnknownFeature ? { Header: name } : detail,
    });
  }
}
