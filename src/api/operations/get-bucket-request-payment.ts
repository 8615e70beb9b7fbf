// GetBucketRequestPayment: who pays for requests and transfers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketRequestPayment.html

import { defineOperation } from "../operation.ts";
import { PAYER_DOCUMENT } from "../request-payment.ts";
import { xmlResponse } from "../response.ts";

export const getBucketRequestPayment = defineOperation({
  name: "GetBucketRequestPayment",
  route: { method: "GET", target: "bucket", query: ["requestPayment"] },
  action: "s3:GetBucketRequestPayment",
  parse: () => undefined,
  async handle({ settings, bucket }) {
    const payer = await settings.find(bucket, PAYER_DOCUMENT);
    return xmlResponse("RequestPaymentConfiguration", { Payer: payer ?? "BucketOwner" });
  },
});
