// Why a write was refused, as plain data that is safe for structured clone.

import { S3Error, type S3ErrorCode, type S3ErrorDetail } from "../core/s3-error.ts";

export interface Refusal {
  readonly code: S3ErrorCode;
  readonly message: string;
  readonly detail: S3ErrorDetail;
}

export function refusalOf({ code, message, detail }: S3Error): Refusal {
  return { code, message, detail };
}

export function errorOf({ code, message, detail }: Refusal): S3Error {
  return new S3Error(code, { message, detail });
}
