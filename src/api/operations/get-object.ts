// GetObject: an object's bytes, all of them, a range, or one part.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

import type { ObjectReading } from "../../store/object-store.ts";
import { refuseAbsent } from "../absent-version.ts";
import { guardedHeaders } from "../guarded-headers.ts";
import { defineOperation } from "../operation.ts";
import type { OperationContext, S3Response } from "../operation.ts";
import { parseRead, planRead } from "../read-plan.ts";
import type { ReadInput } from "../read-plan.ts";
import { emptyResponse } from "../response.ts";
import { actionByVersion } from "../version-id.ts";

export const getObject = defineOperation({
  name: "GetObject",
  route: { method: "GET", target: "object" },
  action: actionByVersion("s3:GetObject", "s3:GetObjectVersion"),

  parse: parseRead,

  async handle(context, input) {
    const { store, bucket, key } = context;
    const { versionId } = input;
    const reading = await store.openObject(bucket, key, versionId);
    if (reading === undefined) return refuseAbsent(context, { bucket, key, versionId });
    let isBodyTaken = false;
    try {
      context.confirm(bucket, reading.object);
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
  context: OperationContext,
  reading: ObjectReading,
  input: ReadInput,
): Promise<S3Response> {
  const { object } = reading;
  await reading.unlock(input.customerKey);
  const guarded = await guardedHeaders(context, object, input.versionId);
  const findPart = (number: number) => reading.findPart(number);
  const subject = { bucket: context.bucket, object, guarded, findPart };
  const { status, headers, start, end } = await planRead(subject, input);
  if (end === start) return emptyResponse(status, headers);
  const bytes = reading.readAtOnce(start, end);
  if (bytes !== undefined) return { status, headers, body: bytes };
  return { status, headers, body: { windows: reading.read(start, end), sizeBytes: end - start } };
}
