// The permission of an operation that is data in a table here: mostly of the operation's own name, and where it is not, as
// AWS documents it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html

import type { S3Action } from "../operation.ts";

const OTHERWISE: ReadonlyMap<string, S3Action> = new Map([
  ["CreateBucketMetadataConfiguration", "s3:CreateBucketMetadataTableConfiguration"],
  ["DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"],
  ["DeleteBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"],
  ["DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration"],
  ["DeleteBucketMetadataConfiguration", "s3:DeleteBucketMetadataTableConfiguration"],
  ["DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"],
  ["GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"],
  ["GetBucketIntelligentTieringConfiguration", "s3:GetIntelligentTieringConfiguration"],
  ["GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"],
  ["GetBucketMetadataConfiguration", "s3:GetBucketMetadataTableConfiguration"],
  ["GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"],
  ["GetBucketNotificationConfiguration", "s3:GetBucketNotification"],
  ["GetBucketReplication", "s3:GetReplicationConfiguration"],
  ["ListBucketAnalyticsConfigurations", "s3:GetAnalyticsConfiguration"],
  ["ListBucketIntelligentTieringConfigurations", "s3:GetIntelligentTieringConfiguration"],
  ["ListBucketInventoryConfigurations", "s3:GetInventoryConfiguration"],
  ["ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration"],
  ["PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"],
  ["PutBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"],
  ["PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration"],
  ["PutBucketMetricsConfiguration", "s3:PutMetricsConfiguration"],
  ["PutBucketReplication", "s3:PutReplicationConfiguration"],
  ["SelectObjectContent", "s3:GetObject"],
]);

export function permissionOf(operation: string): S3Action {
  return OTHERWISE.get(operation) ?? `s3:${operation}`;
}
