// The operations of S3 that are not there yet: each is known by name and place, and answers 501 by its own name.
// Data, so that the compatibility page can list it. With operations/index.ts and unconfigured.ts this is all of S3.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html

import { S3Error } from "../../core/s3-error.ts";
import { defineOperation } from "../operation.ts";
import type { Method, Operation, Target } from "../operation.ts";
import { permissionOf } from "./permission-of.ts";

/** `subresource`: what of the query tells it from others, joined by "&". */
type Row = readonly [name: string, method: Method, target: Target, subresource?: string];

const ROWS: readonly Row[] = [
  ["CreateBucketMetadataConfiguration", "POST", "bucket", "metadataConfiguration"],
  ["CreateBucketMetadataTableConfiguration", "POST", "bucket", "metadataTable"],
  ["CreateSession", "GET", "bucket", "session"],
  ["DeleteBucketAnalyticsConfiguration", "DELETE", "bucket", "analytics"],
  ["DeleteBucketIntelligentTieringConfiguration", "DELETE", "bucket", "intelligent-tiering"],
  ["DeleteBucketInventoryConfiguration", "DELETE", "bucket", "inventory"],
  ["DeleteBucketMetadataConfiguration", "DELETE", "bucket", "metadataConfiguration"],
  ["DeleteBucketMetadataTableConfiguration", "DELETE", "bucket", "metadataTable"],
  ["DeleteBucketMetricsConfiguration", "DELETE", "bucket", "metrics"],
  ["GetBucketMetadataConfiguration", "GET", "bucket", "metadataConfiguration"],
  ["GetBucketMetadataTableConfiguration", "GET", "bucket", "metadataTable"],
  ["DeleteObjectAnnotation", "DELETE", "object", "annotation"],
  ["GetObjectAnnotation", "GET", "object", "annotation&annotationName"],
  ["GetObjectTorrent", "GET", "object", "torrent"],
  ["ListDirectoryBuckets", "GET", "service", "max-directory-buckets"],
  ["ListObjectAnnotations", "GET", "object", "annotation"],
  ["PutBucketAbac", "PUT", "bucket", "abac"],
  ["PutBucketAnalyticsConfiguration", "PUT", "bucket", "analytics"],
  ["PutBucketIntelligentTieringConfiguration", "PUT", "bucket", "intelligent-tiering"],
  ["PutBucketInventoryConfiguration", "PUT", "bucket", "inventory"],
  ["PutBucketMetricsConfiguration", "PUT", "bucket", "metrics"],
  ["PutBucketReplication", "PUT", "bucket", "replication"],
  ["PutBucketWebsite", "PUT", "bucket", "website"],
  ["PutObjectAnnotation", "PUT", "object", "annotation"],
  ["RenameObject", "PUT", "object", "renameObject"],
  ["RestoreObject", "POST", "object", "restore"],
  ["SelectObjectContent", "POST", "object", "select"],
  ["UpdateBucketMetadataAnnotationTableConfiguration", "PUT", "bucket", "metadataAnnotationTable"],
  ["UpdateBucketMetadataInventoryTableConfiguration", "PUT", "bucket", "metadataInventoryTable"],
  ["UpdateBucketMetadataJournalTableConfiguration", "PUT", "bucket", "metadataJournalTable"],
  ["UpdateObjectEncryption", "PUT", "object", "encryption"],
];

export const UNSUPPORTED: readonly Operation[] = [
  ...ROWS.map(([name, method, target, subresource]) =>
    defineOperation({
      name,
      route: { method, target, query: subresource?.split("&") ?? [] },
      action: permissionOf(name),
      parse: () => undefined,
      handle: async () => refuse(name),
    }),
  ),
  defineOperation({
    name: "WriteGetObjectResponse",
    route: { method: "POST", target: "service", headers: ["x-amz-request-route"] },
    action: "s3:WriteGetObjectResponse",
    parse: () => undefined,
    handle: async () => refuse("WriteGetObjectResponse"),
  }),
];

function refuse(name: string): never {
  throw new S3Error("NotImplemented", {
    message: `${name} is not implemented.`,
    detail: { Operation: name },
  });
}
