// Of which multipart upload a shard set is a part, as its header and footer say it; absent for a whole object.

import { PART_NUMBER_MAX } from "../core/limits.ts";
import type { UploadId } from "../core/ids.ts";
import { countField, FieldError, objectField, textField, type Fields } from "./json-fields.ts";

export interface ShardPart {
  readonly uploadId: UploadId;
  /** 1 to 10,000; 0 of what says how the upload was completed (docs/FORMATS.md). */
  readonly number: number;
}

/** @throws FieldError when there is a part that makes no sense. */
export function partField(fields: Fields): ShardPart | undefined {
  const part = objectField(fields, "part");
  if (part === undefined) return undefined;
  const number = countField(part, "number", PART_NUMBER_MAX);
  const uploadId = textField(part, "uploadId");
  if (!isUploadId(uploadId)) throw new FieldError(`"part" has no upload`);
  return { uploadId, number };
}

/** An upload id is opaque: any text is one. */
function isUploadId(text: string): text is UploadId {
  return text !== "";
}
