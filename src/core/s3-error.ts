// The one error that reaches clients, and the closed table of its codes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList

import { S3_ERRORS } from "./s3-error-table.ts";

export type S3ErrorCode = keyof typeof S3_ERRORS;

/** Further elements of the error's XML, such as `Key`, `BucketName`, `Condition`, `CanonicalRequest`. */
export type S3ErrorDetail = Readonly<Record<string, string>>;

export interface S3ErrorOptions {
  readonly message?: string | undefined;
  readonly detail?: S3ErrorDetail | undefined;
  /** Headers of the answer, by lower-case name: `x-amz-delete-marker`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

export class S3Error extends Error {
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly detail: S3ErrorDetail;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3ErrorCode, options: S3ErrorOptions = {}) {
    super(options.message ?? S3_ERRORS[code].message, { cause: options.cause });
    this.name = "S3Error";
    this.code = code;
    this.status = S3_ERRORS[code].status;
    this.detail = options.detail ?? {};
    this.headers = options.headers ?? {};
  }
}
