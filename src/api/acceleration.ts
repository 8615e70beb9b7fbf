// Transfer acceleration of a bucket, which is a word that is kept.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AccelerateConfiguration.html

import { S3Error } from "../core/s3-error.ts";
import type { DocumentKind } from "./bucket-settings.ts";
import { getElementText, parseXml, refuseOthers } from "./xml/parse.ts";

export type Acceleration = "Enabled" | "Suspended";

export const ACCELERATION_DOCUMENT: DocumentKind<Acceleration> = {
  name: "accelerate",
  parse: (text) => (text === "Enabled" ? "Enabled" : "Suspended"),
};

/** @throws S3Error MalformedXML */
export function parseAcceleration(xml: string): Acceleration {
  const root = parseXml(xml, "AccelerateConfiguration");
  refuseOthers(root, ["Status"]);
  const status = getElementText(root, "Status");
  if (status === "Enabled" || status === "Suspended") return status;
  throw new S3Error("MalformedXML");
}
