// PreflightObject: whether a page of another origin may send a request about an object. Nobody signs it, and the
// object need not exist.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html

import { answerPreflight, parsePreflight } from "../cors/answer-preflight.ts";
import { defineOperation } from "../operation.ts";

export const preflightObject = defineOperation({
  name: "PreflightObject",
  route: { method: "OPTIONS", target: "object", isForAnyQuery: true },
  isOpen: true,
  action: "s3:PreflightObject",
  parse: parsePreflight,
  handle: (context, question) => answerPreflight(context, question, "OBJECT"),
});
