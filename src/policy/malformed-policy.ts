// How a policy is refused: always by one code, with AWS's sentence where AWS has one, and the text that it is about.

import { S3Error } from "../core/s3-error.ts";

/** Of a long text the beginning says which one it is. */
const DETAIL_LENGTH_MAX = 256;

/** `text`: what in the policy is not as it must be, as the policy has it. */
export function malformedPolicy(message: string, text?: string): S3Error {
  const detail = text === undefined ? {} : { Detail: text.slice(0, DETAIL_LENGTH_MAX) };
  return new S3Error("MalformedPolicy", { message, detail });
}
