// PreflightBucket: whether a page of another origin may send a request about a bucket. Nobody signs it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html

import { answerPreflight, parsePreflight } from "../cors/answer-preflight.ts";
import { defineOperation } from "../operation.ts";

export const preflightBucket = defineOperation({
  name: "PreflightBucket",
  route: { method: "OPTIONS", target: "bucket", isForAnyQuery: true },
  isOpen: true,
  action: "s3:PreflightBucket",
  parse: parsePreflight,
  handle: (context, question) => answerPreflight(context, question, "BUCKET"),
});
