// PutObjectLockConfiguration: gives a bucket with versioning object lock, for good, and says what new versions are locked
// with that bring nothing of their own.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html

import { S3Error } from "../../core/s3-error.ts";
import type { BucketLock, DefaultRetention } from "../../store/records.ts";
import { isLockMode } from "../object-lock.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";
import {
  findElement,
  findElementText,
  getElement,
  getElementText,
  parseXml,
  refuseOthers,
} from "../xml/parse.ts";
import type { XmlElement } from "../xml/parse.ts";

const DAYS_MAX = 36_500;
const YEARS_MAX = 100;

export const putObjectLockConfiguration = defineOperation({
  name: "PutObjectLockConfiguration",
  route: { method: "PUT", target: "bucket", query: ["object-lock"] },
  action: "s3:PutBucketObjectLockConfiguration",
  body: "xml",
  isDigestRequired: true,
  parse: ({ xml }) => parseLock(xml),
  async handle({ store, bucket }, lock) {
    await store.putBucketLock(bucket, lock);
    return emptyResponse(200);
  },
});

function parseLock(xml: string): BucketLock {
  const root = parseXml(xml, "ObjectLockConfiguration");
  refuseOthers(root, ["ObjectLockEnabled", "Rule"]);
  if (getElementText(root, "ObjectLockEnabled").trim() !== "Enabled") {
    throw new S3Error("MalformedXML");
  }
  const rule = findElement(root, "Rule");
  if (rule === undefined) return { defaultRetention: undefined };
  refuseOthers(rule, ["DefaultRetention"]);
  return { defaultRetention: parseDefault(getElement(rule, "DefaultRetention")) };
}

function parseDefault(element: XmlElement): DefaultRetention {
  refuseOthers(element, ["Mode", "Days", "Years"]);
  const mode = getElementText(element, "Mode").trim();
  const days = findElementText(element, "Days")?.trim();
  const years = findElementText(element, "Years")?.trim();
  if (!isLockMode(mode) || (days === undefined) === (years === undefined)) {
    throw new S3Error("MalformedXML");
  }
  if (days !== undefined) return { mode, unit: "days", count: parseCount(days, DAYS_MAX) };
  return { mode, unit: "years", count: parseCount(years ?? "", YEARS_MAX) };
}

function parseCount(text: string, max: number): number {
  if (!/^[+-]?\d{1,18}$/.test(text)) throw new S3Error("MalformedXML");
  const count = Number(text);
  if (count > 0 && count <= max) return count;
  throw new S3Error("InvalidRetentionPeriod", {
    message:
      count > 0
        ? "Default retention period is too large."
        : "Default retention period must be a positive integer value.",
  });
}
