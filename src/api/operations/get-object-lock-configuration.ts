// GetObjectLockConfiguration: what new versions of a bucket are locked with.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html

import { S3Error } from "../../core/s3-error.ts";
import type { DefaultRetention } from "../../store/records.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";
import type { XmlElements } from "../xml/render.ts";

export const getObjectLockConfiguration = defineOperation({
  name: "GetObjectLockConfiguration",
  route: { method: "GET", target: "bucket", query: ["object-lock"] },
  action: "s3:GetBucketObjectLockConfiguration",
  parse: () => undefined,
  async handle({ bucket, bucketName }) {
    if (bucket.lock === undefined) {
      throw new S3Error("ObjectLockConfigurationNotFoundError", {
        detail: { BucketName: bucketName },
      });
    }
    const { defaultRetention } = bucket.lock;
    return xmlResponse("ObjectLockConfiguration", {
      ObjectLockEnabled: "Enabled",
      Rule: defaultRetention && { DefaultRetention: renderDefault(defaultRetention) },
    });
  },
});

function renderDefault({ mode, unit, count }: DefaultRetention): XmlElements {
  return unit === "days" ? { Mode: mode, Days: count } : { Mode: mode, Years: count };
}
