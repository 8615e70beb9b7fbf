// HeadObject: what GetObject would say, without the bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html

import { getObjectVersion } from "../absent-version.ts";
import { guardedHeaders } from "../guarded-headers.ts";
import { defineOperation } from "../operation.ts";
import { parseRead, planRead } from "../read-plan.ts";
import { emptyResponse } from "../response.ts";
import { actionByVersion } from "../version-id.ts";

export const headObject = defineOperation({
  name: "HeadObject",
  route: { method: "HEAD", target: "object" },
  action: actionByVersion("s3:GetObject", "s3:GetObjectVersion"),

  parse: parseRead,

  async handle(context, input) {
    const { store, bucket, key } = context;
    const object = await getObjectVersion(context, { bucket, key, versionId: input.versionId });
    store.checkCustomerKey(bucket, object, input.customerKey);
    const findPart = async (number: number) => {
      const { parts } = await store.listObjectParts(object, number - 1, 1);
      return parts.find((part) => part.number === number);
    };
    const guarded = await guardedHeaders(context, object, input.versionId);
    const subject = { bucket, object, guarded, findPart };
    const { status, headers } = await planRead(subject, input);
    return emptyResponse(status, headers);
  },
});
