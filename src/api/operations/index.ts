// The closed table of all operations of S3: those that work, reads of settings that a bucket cannot have yet, and those
// that answer 501 by name. The router and docs/S3_COMPATIBILITY.md are made from it.

import type { Operation } from "../operation.ts";
import { abortMultipartUpload } from "./abort-multipart-upload.ts";
import { completeMultipartUpload } from "./complete-multipart-upload.ts";
import { copyObject } from "./copy-object.ts";
import { createBucket } from "./create-bucket.ts";
import { createMultipartUpload } from "./create-multipart-upload.ts";
import { deleteBucketCors } from "./delete-bucket-cors.ts";
import { deleteBucketEncryption } from "./delete-bucket-encryption.ts";
import { deleteBucketLifecycle } from "./delete-bucket-lifecycle.ts";
import { deleteBucketOwnershipControls } from "./delete-bucket-ownership-controls.ts";
import { deleteBucketPolicy } from "./delete-bucket-policy.ts";
import { deleteBucketReplication } from "./delete-bucket-replication.ts";
import { deleteBucketTagging } from "./delete-bucket-tagging.ts";
import { deleteBucketWebsite } from "./delete-bucket-website.ts";
import { deleteBucket } from "./delete-bucket.ts";
import { deleteObjectTagging } from "./delete-object-tagging.ts";
import { deleteObject } from "./delete-object.ts";
import { deleteObjects } from "./delete-objects.ts";
import { deletePublicAccessBlock } from "./delete-public-access-block.ts";
import { getBucketAccelerateConfiguration } from "./get-bucket-accelerate-configuration.ts";
import { getBucketAcl } from "./get-bucket-acl.ts";
import { getBucketCors } from "./get-bucket-cors.ts";
import { getBucketEncryption } from "./get-bucket-encryption.ts";
import { getBucketLifecycleConfiguration } from "./get-bucket-lifecycle-configuration.ts";
import { getBucketLocation } from "./get-bucket-location.ts";
import { getBucketOwnershipControls } from "./get-bucket-ownership-controls.ts";
import { getBucketPolicyStatus } from "./get-bucket-policy-status.ts";
import { getBucketPolicy } from "./get-bucket-policy.ts";
import { getBucketRequestPayment } from "./get-bucket-request-payment.ts";
import { getBucketTagging } from "./get-bucket-tagging.ts";
import { getBucketVersioning } from "./get-bucket-versioning.ts";
import { getObjectAcl } from "./get-object-acl.ts";
import { getObjectAttributes } from "./get-object-attributes.ts";
import { getObjectLegalHold } from "./get-object-legal-hold.ts";
import { getObjectLockConfiguration } from "./get-object-lock-configuration.ts";
import { getObjectRetention } from "./get-object-retention.ts";
import { getObjectTagging } from "./get-object-tagging.ts";
import { getObject } from "./get-object.ts";
import { getPublicAccessBlock } from "./get-public-access-block.ts";
import { headBucket } from "./head-bucket.ts";
import { headObject } from "./head-object.ts";
import { listBuckets } from "./list-buckets.ts";
import { listMultipartUploads } from "./list-multipart-uploads.ts";
import { listObjectVersions } from "./list-object-versions.ts";
import { listObjectsV2 } from "./list-objects-v2.ts";
import { listObjects } from "./list-objects.ts";
import { listParts } from "./list-parts.ts";
import { postObject } from "./post-object.ts";
import { preflightBucket } from "./preflight-bucket.ts";
import { preflightObject } from "./preflight-object.ts";
import { putBucketAccelerateConfiguration } from "./put-bucket-accelerate-configuration.ts";
import { putBucketAcl } from "./put-bucket-acl.ts";
import { putBucketCors } from "./put-bucket-cors.ts";
import { putBucketEncryption } from "./put-bucket-encryption.ts";
import { putBucketLifecycleConfiguration } from "./put-bucket-lifecycle-configuration.ts";
import { putBucketLogging } from "./put-bucket-logging.ts";
import { putBucketNotificationConfiguration } from "./put-bucket-notification-configuration.ts";
import { putBucketOwnershipControls } from "./put-bucket-ownership-controls.ts";
import { putBucketPolicy } from "./put-bucket-policy.ts";
import { putBucketRequestPayment } from "./put-bucket-request-payment.ts";
import { putBucketTagging } from "./put-bucket-tagging.ts";
import { putBucketVersioning } from "./put-bucket-versioning.ts";
import { putObjectAcl } from "./put-object-acl.ts";
import { putObjectLegalHold } from "./put-object-legal-hold.ts";
import { putObjectLockConfiguration } from "./put-object-lock-configuration.ts";
import { putObjectRetention } from "./put-object-retention.ts";
import { putObjectTagging } from "./put-object-tagging.ts";
import { putObject } from "./put-object.ts";
import { putPublicAccessBlock } from "./put-public-access-block.ts";
import { DEFAULT_ANSWERS, UNCONFIGURED } from "./unconfigured.ts";
import { UNSUPPORTED } from "./unsupported.ts";
import { uploadPartCopy } from "./upload-part-copy.ts";
import { uploadPart } from "./upload-part.ts";

export const SUPPORTED: readonly Operation[] = [
  // The service and its buckets.
  listBuckets,
  createBucket,
  headBucket,
  deleteBucket,
  getBucketLocation,
  getBucketTagging,
  putBucketTagging,
  deleteBucketTagging,
  getBucketVersioning,
  putBucketVersioning,
  getObjectLockConfiguration,
  putObjectLockConfiguration,
  getBucketCors,
  putBucketCors,
  deleteBucketCors,
  getBucketEncryption,
  putBucketEncryption,
  deleteBucketEncryption,
  getBucketLifecycleConfiguration,
  putBucketLifecycleConfiguration,
  deleteBucketLifecycle,
  preflightBucket,
  preflightObject,
  getBucketRequestPayment,
  putBucketRequestPayment,
  getBucketAccelerateConfiguration,
  putBucketAccelerateConfiguration,
  putBucketLogging,
  putBucketNotificationConfiguration,
  deleteBucketWebsite,
  deleteBucketReplication,

  // Who may do what with a bucket.
  getBucketPolicy,
  putBucketPolicy,
  deleteBucketPolicy,
  getBucketPolicyStatus,
  getPublicAccessBlock,
  putPublicAccessBlock,
  deletePublicAccessBlock,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
  deleteBucketOwnershipControls,
  getBucketAcl,
  putBucketAcl,

  // Listings.
  listObjectsV2,
  listObjectVersions,
  listMultipartUploads,
  listObjects,

  // Objects.
  getObjectTagging,
  putObjectTagging,
  deleteObjectTagging,
  getObjectAcl,
  putObjectAcl,
  getObjectRetention,
  putObjectRetention,
  getObjectLegalHold,
  putObjectLegalHold,
  getObjectAttributes,
  deleteObjects,
  getObject,
  headObject,
  putObject,
  copyObject,
  deleteObject,
  postObject,

  // Multipart uploads.
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
  completeMultipartUpload,
  abortMultipartUpload,
  listParts,
];

export { DEFAULT_ANSWERS, UNCONFIGURED, UNSUPPORTED };

export const OPERATIONS: readonly Operation[] = [...SUPPORTED, ...UNCONFIGURED, ...UNSUPPORTED];
