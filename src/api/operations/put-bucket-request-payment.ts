// PutBucketRequestPayment: who pays for requests and transfers. Nothing is billed here; what is enforced is that others
// than the owner say that they know (api/request-payment.ts).
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketRequestPayment.html

import { defineOperation } from "../operation.ts";
import { parsePayer, PAYER_DOCUMENT } from "../request-payment.ts";
import { emptyResponse } from "../response.ts";

export const putBucketRequestPayment = defineOperation({
  name: "PutBucketRequestPayment",
  route: { method: "PUT", target: "bucket", query: ["requestPayment"] },
  action: "s3:PutBucketRequestPayment",
  body: "xml",
  partly: "enforced; nothing is billed",
  parse: ({ xml }) => parsePayer(xml),
  async handle({ store, bucket }, payer) {
    const text = payer === "Requester" ? payer : undefined;
    await store.putBucketConfig(bucket, PAYER_DOCUMENT.name, text);
    return emptyResponse(200);
  },
});
