// Reads of settings that a bucket cannot have yet: they answer what S3 answers where nothing was ever set, so that
// tools which read everything before they change anything (Terraform, rclone, backup software) go on.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

import { S3Error } from "../../core/s3-error.ts";
import type { S3ErrorCode } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import type { Operation } from "../operation.ts";
import { permissionOf } from "./permission-of.ts";
import { xmlResponse } from "../response.ts";
import type { XmlElements } from "../xml/render.ts";

interface Absent {
  readonly error: S3ErrorCode;
  readonly message?: string;
}

interface Default {
  readonly root: string;
  readonly content: XmlElements;
}

type Row = readonly [name: string, query: readonly string[], answer: Absent | Default];

const NO_CONFIGURATION: Absent = { error: "NoSuchConfiguration" };

function empty(root: string): Default {
  return { root, content: {} };
}

function emptyList(root: string): Default {
  return { root, content: { IsTruncated: false } };
}

const ON_BUCKET: readonly Row[] = [
  ["GetBucketAbac", ["abac"], { root: "AbacStatus", content: { Status: "Disabled" } }],
  ["GetBucketAnalyticsConfiguration", ["analytics", "id"], NO_CONFIGURATION],
  ["GetBucketIntelligentTieringConfiguration", ["intelligent-tiering", "id"], NO_CONFIGURATION],
  ["GetBucketInventoryConfiguration", ["inventory", "id"], NO_CONFIGURATION],
  ["GetBucketLogging", ["logging"], empty("BucketLoggingStatus")],
  ["GetBucketMetricsConfiguration", ["metrics", "id"], NO_CONFIGURATION],
  ["GetBucketNotificationConfiguration", ["notification"], empty("NotificationConfiguration")],
  ["GetBucketReplication", ["replication"], { error: "ReplicationConfigurationNotFoundError" }],
  ["GetBucketWebsite", ["website"], { error: "NoSuchWebsiteConfiguration" }],
  [
    "ListBucketAnalyticsConfigurations",
    ["analytics"],
    emptyList("ListBucketAnalyticsConfigurationResult"),
  ],
  [
    "ListBucketIntelligentTieringConfigurations",
    ["intelligent-tiering"],
    emptyList("ListBucketIntelligentTieringConfigurationsOutput"),
  ],
  [
    "ListBucketInventoryConfigurations",
    ["inventory"],
    emptyList("ListInventoryConfigurationsResult"),
  ],
  ["ListBucketMetricsConfigurations", ["metrics"], emptyList("ListMetricsConfigurationsResult")],
];

export const UNCONFIGURED: readonly Operation[] = ON_BUCKET.map(defineRead);

/** What each of them answers, in words, for the compatibility page. */
export const DEFAULT_ANSWERS: ReadonlyMap<string, string> = new Map(
  ON_BUCKET.map(([name, , answer]) => [name, describeAnswer(answer)] as const),
);

function describeAnswer(answer: Absent | Default): string {
  if ("error" in answer) return `\`${answer.error}\``;
  const isEmpty = Object.keys(answer.content).every((name) => name === "IsTruncated");
  return isEmpty ? `an empty \`${answer.root}\`` : `the default \`${answer.root}\``;
}

function defineRead([name, query, answer]: Row): Operation {
  return defineOperation({
    name,
    route: { method: "GET", target: "bucket", query },
    action: permissionOf(name),
    parse: () => undefined,
    async handle({ bucketName }) {
      if ("root" in answer) return xmlResponse(answer.root, answer.content);
      throw new S3Error(answer.error, {
        message: answer.message,
        detail: { BucketName: bucketName },
      });
    },
  });
}
