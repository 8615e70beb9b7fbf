// Reads of settings that a bucket cannot have yet: they answer what S3 answers where nothing was ever set, so that
// tools which read everything before they change anything (Terraform, rclone, backup software) go on.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

import { S3Error } from "../../core/s3-error.ts";
import type { S3ErrorCode } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import type { Operation, OperationContext } from "../operation.ts";
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
  [
    "GetBucketEncryption",
    ["encryption"],
    { error: "ServerSideEncryptionConfigurationNotFoundError" },
  ],
  ["GetBucketIntelligentTieringConfiguration", ["intelligent-tiering", "id"], NO_CONFIGURATION],
  ["GetBucketInventoryConfiguration", ["inventory", "id"], NO_CONFIGURATION],
  ["GetBucketLifecycleConfiguration", ["lifecycle"], { error: "NoSuchLifecycleConfiguration" }],
  ["GetBucketLogging", ["logging"], empty("BucketLoggingStatus")],
  ["GetBucketMetricsConfiguration", ["metrics", "id"], NO_CONFIGURATION],
  ["GetBucketNotificationConfiguration", ["notification"], empty("NotificationConfiguration")],
  [
    "GetBucketOwnershipControls",
    ["ownershipControls"],
    { error: "OwnershipControlsNotFoundError" },
  ],
  ["GetBucketPolicy", ["policy"], { error: "NoSuchBucketPolicy" }],
  ["GetBucketPolicyStatus", ["policyStatus"], { error: "NoSuchBucketPolicy" }],
  ["GetBucketReplication", ["replication"], { error: "ReplicationConfigurationNotFoundError" }],
  ["GetBucketWebsite", ["website"], { error: "NoSuchWebsiteConfiguration" }],
  [
    "GetPublicAccessBlock",
    ["publicAccessBlock"],
    { error: "NoSuchPublicAccessBlockConfiguration" },
  ],
  [
    "ListBucketAnalyticsConfigurations",
    ["analytics"],
    emptyList("ListBucketAnalyticsConfigurationsResult"),
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

const getBucketAcl = defineOperation({
  name: "GetBucketAcl",
  route: { method: "GET", target: "bucket", query: ["acl"] },
  action: "s3:GetBucketAcl",
  parse: () => undefined,
  handle: async (context) => ownerHasAll(context),
});

const getObjectAcl = defineOperation({
  name: "GetObjectAcl",
  route: { method: "GET", target: "object", query: ["acl"] },
  action: "s3:GetObjectAcl",
  parse: () => undefined,
  async handle(context) {
    const { store, bucket, key } = context;
    if ((await store.findObject(bucket, key)) === undefined) {
      throw new S3Error("NoSuchKey", { detail: { Key: key } });
    }
    return ownerHasAll(context);
  },
});

export const UNCONFIGURED: readonly Operation[] = [
  getBucketAcl,
  getObjectAcl,
  ...ON_BUCKET.map(defineRead),
];

/** What each of them answers, in words, for the compatibility page. */
export const DEFAULT_ANSWERS: ReadonlyMap<string, string> = new Map([
  [getBucketAcl.name, "the owner has `FULL_CONTROL`"],
  [getObjectAcl.name, "the owner has `FULL_CONTROL`"],
  ...ON_BUCKET.map(([name, , answer]) => [name, describeAnswer(answer)] as const),
]);

function describeAnswer(answer: Absent | Default): string {
  if ("error" in answer) return `\`${answer.error}\``;
  const isEmpty = Object.keys(answer.content).every((name) => name === "IsTruncated");
  return isEmpty ? `an empty \`${answer.root}\`` : `the default \`${answer.root}\``;
}

function defineRead([name, query, answer]: Row): Operation {
  return defineOperation({
    name,
    route: { method: "GET", target: "bucket", query },
    action: `s3:${name}`,
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

/** Only the account of the request can own what it may read. */
function ownerHasAll({ account }: OperationContext) {
  const owner = { ID: account.id, DisplayName: account.displayName };
  return xmlResponse("AccessControlPolicy", {
    Owner: owner,
    AccessControlList: {
      Grant: {
        Grantee: {
          "@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
          "@xsi:type": "CanonicalUser",
          ...owner,
        },
        Permission: "FULL_CONTROL",
      },
    },
  });
}
