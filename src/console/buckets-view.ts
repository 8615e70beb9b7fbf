// The buckets of all accounts, with what they hold and how they are set.

import type { BucketAnswer, BucketsAnswer } from "./answers.ts";
import { element, link, section, table, type Child } from "./element.ts";
import { formatBytes, formatCount, formatTime } from "./format.ts";
import { pageLinks } from "./page-links.ts";
import { renderLocation } from "./page-location.ts";

const COLUMNS = [
  { title: "Bucket" },
  { title: "Objects", kind: "number" },
  { title: "Bytes", kind: "number" },
  { title: "Quota", kind: "number" },
  { title: "Versioning" },
  { title: "Object lock" },
  { title: "Made", kind: "when" },
];

export function bucketsView({ buckets, next }: BucketsAnswer, after: string): readonly Node[] {
  return [
    element("h1", {}, "Buckets"),
    section(
      after === "" ? "By name" : `By name, after ${after}`,
      buckets.length === 0
        ? element("p", { class: "faint" }, "There is none.")
        : table("Buckets", COLUMNS, buckets.map(bucketRow)),
      pageLinks(
        after === "" ? undefined : { view: "buckets", after: "" },
        next === undefined ? undefined : { view: "buckets", after: next },
      ),
    ),
  ];
}

function bucketRow(bucket: BucketAnswer): Child[] {
  const { name, objectCount, objectBytes, quotaBytes, versioning, createdAt } = bucket;
  return [
    link(renderLocation({ view: "objects", bucket: name, prefix: "", after: "" }), name),
    formatCount(objectCount),
    formatBytes(objectBytes),
    quotaBytes === undefined ? "" : formatBytes(quotaBytes),
    versioning,
    lockWords(bucket),
    formatTime(createdAt),
  ];
}

function lockWords({ hasLock, defaultRetention }: BucketAnswer): string {
  if (!hasLock) return "";
  if (defaultRetention === undefined) return "on";
  const { mode, count, unit } = defaultRetention;
  return `${mode.toLowerCase()}, ${count} ${unit}`;
}
