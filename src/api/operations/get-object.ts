// GetObject: an object's bytes, all of them, a range, or one part.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

import { S3Error } from "../../core/s3-error.ts";
import type { ObjectReading } from "../../store/object-store.ts";
import { defineOperation } from "../operation.ts";
import type { OperationContext, S3Response } from "../operation.ts";
import { parseRead, planRead } from "../read-plan.ts";
import type { ReadInput } from "../read-plan.ts";
import { emptyResponse } from "../response.ts";
import { checkVersionId } from "../version-id.ts";

export const getObject = defineOperation({
  name: "GetObject",
  route: { method: "GET", target: "object" },
  action: "s3:GetObject",

  parse: parseRead,

  async handle(context, input) {
    const { store, bucket, key } = context;
    const reading = await store.openObject(bucket, key);
    if (reading === undefined) {
      checkVersionId(input.versionId, key);
      throw new S3Error("NoSuchKey", { detail: { Key: key } });
    }
    let isBodyTaken = false;
    try {
      const response = await answer(context, reading, input);
      isBodyTaken = response.body !== undefined;
      return response;
    } finally {
      // The shards are held for as long as the body is read, and not a moment where none is.
      if (!isBodyTaken) reading.close();
    }
  },
});

async function answer(
  { bucket }: OperationContext,
  reading: ObjectReading,
  input: ReadInput,
): Promise<S3Response> {
  const { object, findPart } = reading;
  const { status, headers, start, end } = await planRead({ bucket, object, findPart }, input);
  if (end === start) return emptyResponse(status, headers);
  return { status, headers, body: { windows: reading.read(start, end), sizeBytes: end - start } };
}
