// PutBucketVersioning: keeps older versions from now on, or stops making new ones.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html

import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import { findElementText, parseXml, refuseOthers } from "../xml/parse.ts";

export const putBucketVersioning = defineOperation({
  name: "PutBucketVersioning",
  route: { method: "PUT", target: "bucket", query: ["versioning"] },
  action: "s3:PutBucketVersioning",
  body: "xml",
  parse: ({ xml }) => parseVersioning(xml),
  async handle({ store, bucket }, versioning) {
    await store.setVersioning(bucket, versioning);
    return emptyResponse(200);
  },
});

function parseVersioning(xml: string): "enabled" | "suspended" {
  const root = parseXml(xml, "VersioningConfiguration");
  refuseOthers(root, ["Status", "MfaDelete"]);
  refuseMfaDelete(findElementText(root, "MfaDelete")?.trim());
  const status = findElementText(root, "Status")?.trim();
  if (status === undefined) {
    throw new S3Error("IllegalVersioningConfigurationException", {
      message: "The Versioning element must be specified",
    });
  }
  if (status === "Enabled") return "enabled";
  if (status === "Suspended") return "suspended";
  throw new S3Error("MalformedXML");
}

function refuseMfaDelete(value: string | undefined): void {
  if (value === undefined || value === "Disabled") return;
  if (value !== "Enabled") throw new S3Error("MalformedXML");
  throw new S3Error("NotImplemented", {
    message: "MFA delete is not implemented.",
    detail: { Element: "MfaDelete" },
  });
}
