// Where UploadPart and UploadPartCopy put a part.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

import { PART_NUMBER_MAX } from "../core/limits.ts";
import type { QueryParam } from "../core/wire-request.ts";
import { findText, invalidArgument, requiredParam } from "./params.ts";

export interface PartTarget {
  readonly uploadId: string;
  readonly number: number;
}

/** @throws S3Error InvalidArgument for a part number that is none. */
export function parsePartTarget(query: readonly QueryParam[]): PartTarget {
  const text = findText(query, "partNumber") ?? "";
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > PART_NUMBER_MAX) {
    throw invalidArgument(
      "partNumber",
      text,
      `Part number must be an integer between 1 and ${PART_NUMBER_MAX}, inclusive`,
    );
  }
  return { uploadId: requiredParam(query, "uploadId"), number };
}
