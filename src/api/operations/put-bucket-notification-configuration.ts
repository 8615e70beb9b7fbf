// PutBucketNotificationConfiguration: nobody is notified yet, so that asking for it is refused; asking for none, which is
// how notifications are switched off, is granted.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html

import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { parseXml, refuseOthers } from "../xml/parse.ts";

const KINDS = [
  "CloudFunctionConfiguration",
  "EventBridgeConfiguration",
  "QueueConfiguration",
  "TopicConfiguration",
];

export const putBucketNotificationConfiguration = defineOperation({
  name: "PutBucketNotificationConfiguration",
  route: { method: "PUT", target: "bucket", query: ["notification"] },
  action: "s3:PutBucketNotification",
  body: "xml",
  partly: "notifications can be switched off; nobody is notified",
  parse: ({ xml }) => {
    const root = parseXml(xml, "NotificationConfiguration");
    refuseOthers(root, KINDS);
    if (root.children.length === 0) return;
    throw new S3Error("NotImplemented", {
      message: "PutBucketNotificationConfiguration is not implemented: nobody is notified.",
      detail: { Operation: "PutBucketNotificationConfiguration" },
    });
  },
  handle: async () => emptyResponse(200),
});
