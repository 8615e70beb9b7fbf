// A refusal of the admin API: what its JSON answer says. Refusals of the store and of signatures keep their code.

import { S3Error } from "../core/s3-error.ts";

export class AdminError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(
    status: number,
    code: string,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = "AdminError";
    this.status = status;
    this.code = code;
  }
}

/** What is neither of ours is a fault; nothing of it is shown. */
export function toAdminError(error: unknown): AdminError {
  if (error instanceof AdminError) return error;
  if (error instanceof S3Error) {
    return new AdminError(error.status, error.code, error.message, { cause: error });
  }
  return new AdminError(500, "InternalError", "an internal error; the log has more", {
    cause: error,
  });
}
