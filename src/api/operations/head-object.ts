// HeadObject: what GetObject would say, without the bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html

import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import { parseRead, planRead } from "../read-plan.ts";
import { emptyResponse } from "../response.ts";
import { checkVersionId } from "../version-id.ts";

export const headObject = defineOperation({
  name: "HeadObject",
  route: { method: "HEAD", target: "object" },
  action: "s3:GetObject",

  parse: parseRead,

  async handle({ store, bucket, key }, input) {
    const object = await store.findObject(bucket, key);
    if (object === undefined) {
      checkVersionId(input.versionId, key);
      throw new S3Error("NoSuchKey", { detail: { Key: key } });
    }
    const findPart = async (number: number) => {
      const { parts } = await store.listObjectParts(object, number - 1, 1);
      return parts.find((part) => part.number === number);
    };
    const { status, headers } = await planRead({ bucket, object, findPart }, input);
    return emptyResponse(status, headers);
  },
});
