// PutBucketLogging: access logs are not written yet, so that asking for them is refused; asking for none is granted.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html

import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { parseXml, refuseOthers } from "../xml/parse.ts";

export const putBucketLogging = defineOperation({
  name: "PutBucketLogging",
  route: { method: "PUT", target: "bucket", query: ["logging"] },
  action: "s3:PutBucketLogging",
  body: "xml",
  partly: "logging can be switched off; no access logs are written",
  parse: ({ xml }) => {
    const root = parseXml(xml, "BucketLoggingStatus");
    refuseOthers(root, ["LoggingEnabled"]);
    if (root.children.length === 0) return;
    throw new S3Error("NotImplemented", {
      message: "PutBucketLogging is not implemented: no access logs are written.",
      detail: { Operation: "PutBucketLogging" },
    });
  },
  handle: async () => emptyResponse(200),
});
