// The condition keys that a bucket policy may ask for: AWS's global ones, which go with every action, and those of S3, some
// of which only certain actions have. A key that is not here would never hold, or always; it is refused instead.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

import type { S3Action } from "./s3-actions.ts";

const LISTINGS: readonly S3Action[] = ["s3:ListBucket", "s3:ListBucketVersions"];
const ANNOTATION_LISTINGS: readonly S3Action[] = [
  "s3:ListObjectAnnotations",
  "s3:ListObjectVersionAnnotations",
];
const ANNOTATION_CHANGES: readonly S3Action[] = [
  "s3:DeleteObjectAnnotation",
  "s3:DeleteObjectVersionAnnotation",
  "s3:PutObjectAnnotation",
  "s3:PutObjectVersionAnnotation",
];
const OBJECT_WRITES: readonly S3Action[] = ["s3:BypassGovernanceRetention", "s3:PutObject"];
const ENCRYPTED_WRITES: readonly S3Action[] = [...OBJECT_WRITES, "s3:ReplicateObject"];
const ENCRYPTION_CHANGES: readonly S3Action[] = [...ENCRYPTED_WRITES, "s3:UpdateObjectEncryption"];
const OBJECT_ACL_WRITES: readonly S3Action[] = ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"];
const GRANT_WRITES: readonly S3Action[] = [
  ...OBJECT_WRITES,
  ...OBJECT_ACL_WRITES,
  "s3:CreateBucket",
  "s3:PutBucketAcl",
];
const RETENTION_WRITES: readonly S3Action[] = [...OBJECT_WRITES, "s3:PutObjectRetention"];
const TAG_WRITES: readonly S3Action[] = [
  ...OBJECT_WRITES,
  "s3:PutObjectTagging",
  "s3:PutObjectVersionTagging",
];
const VERSIONED: readonly S3Action[] = [
  "s3:DeleteObjectVersion",
  "s3:DeleteObjectVersionAnnotation",
  "s3:DeleteObjectVersionTagging",
  "s3:GetObjectVersion",
  "s3:GetObjectVersionAcl",
  "s3:GetObjectVersionAnnotation",
  "s3:GetObjectVersionAttributes",
  "s3:GetObjectVersionTagging",
  "s3:GetObjectVersionTorrent",
  "s3:ListObjectVersionAnnotations",
  "s3:PutObjectVersionAcl",
  "s3:PutObjectVersionAnnotation",
  "s3:PutObjectVersionTagging",
];
/** Those that act on an object which is there already, whose tags can be looked at. */
const TAGGED: readonly S3Action[] = [
  ...ANNOTATION_CHANGES,
  ...ANNOTATION_LISTINGS,
  ...OBJECT_ACL_WRITES,
  "s3:DeleteObjectTagging",
  "s3:DeleteObjectVersionTagging",
  "s3:GetObject",
  "s3:GetObjectAcl",
  "s3:GetObjectAnnotation",
  "s3:GetObjectAttributes",
  "s3:GetObjectTagging",
  "s3:GetObjectVersion",
  "s3:GetObjectVersionAcl",
  "s3:GetObjectVersionAnnotation",
  "s3:GetObjectVersionAttributes",
  "s3:GetObjectVersionTagging",
  "s3:PutObjectTagging",
  "s3:PutObjectVersionTagging",
  "s3:UpdateObjectEncryption",
];
const GRANTED: readonly S3Action[] = [
  ...LISTINGS,
  ...OBJECT_ACL_WRITES,
  "s3:AbortMultipartUpload",
  "s3:DeleteObject",
  "s3:DeleteObjectVersion",
  "s3:GetObject",
  "s3:GetObjectAcl",
  "s3:GetObjectVersion",
  "s3:GetObjectVersionAcl",
  "s3:ListBucketMultipartUploads",
  "s3:ListMultipartUploadParts",
  "s3:PutObject",
];

/** By key in lower case, the actions that have it. One that ends in a slash goes on with the name of a tag. */
const S3_KEYS: Readonly<Record<string, readonly S3Action[] | "every">> = {
  "s3:accessgrantsinstancearn": GRANTED,
  "s3:accesspointnetworkorigin": "every",
  "s3:accesspointtag/": "every",
  "s3:annotation-prefix": ANNOTATION_LISTINGS,
  "s3:authtype": "every",
  "s3:buckettag/": "every",
  "s3:dataaccesspointaccount": "every",
  "s3:dataaccesspointarn": "every",
  "s3:delimiter": LISTINGS,
  "s3:deliverysourcearn": ["s3:AllowVendedLogDeliveryForResource"],
  "s3:destinationregion": ["s3:PauseReplication"],
  "s3:existingobjecttag/": TAGGED,
  "s3:if-match": ["s3:DeleteObject", "s3:PutObject"],
  "s3:if-none-match": ["s3:PutObject"],
  "s3:inventoryaccessibleoptionalfields": ["s3:PutInventoryConfiguration"],
  "s3:isreplicationpauserequest": ["s3:PutReplicationConfiguration"],
  "s3:locationconstraint": ["s3:CreateBucket"],
  "s3:logtype": ["s3:AllowVendedLogDeliveryForResource"],
  "s3:max-annotation-results": ANNOTATION_LISTINGS,
  "s3:max-keys": LISTINGS,
  "s3:object-lock-legal-hold": [...OBJECT_WRITES, "s3:PutObjectLegalHold"],
  "s3:object-lock-mode": RETENTION_WRITES,
  "s3:object-lock-remaining-retention-days": RETENTION_WRITES,
  "s3:object-lock-retain-until-date": RETENTION_WRITES,
  "s3:objectcreationoperation": ["s3:PutObject"],
  "s3:prefix": LISTINGS,
  "s3:requestobjecttag/": TAG_WRITES,
  "s3:requestobjecttagkeys": TAG_WRITES,
  "s3:resourceaccount": "every",
  "s3:resourcearnbeingauthorized": ["s3:AllowVendedLogDeliveryForResource"],
  "s3:signatureage": "every",
  "s3:signatureversion": "every",
  "s3:tlsversion": "every",
  "s3:versionid": VERSIONED,
  "s3:x-amz-acl": GRANT_WRITES,
  "s3:x-amz-bucket-namespace": ["s3:CreateBucket"],
  "s3:x-amz-content-sha256": "every",
  "s3:x-amz-copy-source": OBJECT_WRITES,
  "s3:x-amz-grant-full-control": GRANT_WRITES,
  "s3:x-amz-grant-read": GRANT_WRITES,
  "s3:x-amz-grant-read-acp": GRANT_WRITES,
  "s3:x-amz-grant-write": GRANT_WRITES,
  "s3:x-amz-grant-write-acp": GRANT_WRITES,
  "s3:x-amz-metadata-directive": OBJECT_WRITES,
  "s3:x-amz-object-annotation-directive": ["s3:PutObject"],
  "s3:x-amz-object-if-match": ANNOTATION_CHANGES,
  "s3:x-amz-object-ownership": ["s3:CreateBucket"],
  "s3:x-amz-server-side-encryption": ENCRYPTION_CHANGES,
  "s3:x-amz-server-side-encryption-aws-kms-key-id": ENCRYPTION_CHANGES,
  "s3:x-amz-server-side-encryption-customer-algorithm": ENCRYPTED_WRITES,
  "s3:x-amz-storage-class": [...OBJECT_WRITES, ...OBJECT_ACL_WRITES],
  "s3:x-amz-website-redirect-location": OBJECT_WRITES,
};

/** Most are of services that never call here; a policy written for AWS may name them all the same, and they are absent. */
const GLOBAL_KEYS: ReadonlySet<string> = new Set([
  "aws:assumedroot",
  "aws:calledvia",
  "aws:calledviaawsmcp",
  "aws:calledviafirst",
  "aws:calledvialast",
  "aws:chatbotsourcearn",
  "aws:currenttime",
  "aws:ec2instancesourceprivateipv4",
  "aws:ec2instancesourcevpc",
  "aws:epochtime",
  "aws:federatedprovider",
  "aws:ismcpserviceaction",
  "aws:multifactorauthage",
  "aws:multifactorauthpresent",
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalisawsservice",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:principalservicename",
  "aws:principalservicenameslist",
  "aws:principaltag/",
  "aws:principaltype",
  "aws:referer",
  "aws:requestedregion",
  "aws:requesttag/",
  "aws:resourceaccount",
  "aws:resourceorgid",
  "aws:resourceorgpaths",
  "aws:resourcetag/",
  "aws:securetransport",
  "aws:signinsessionarn",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourceidentity",
  "aws:sourceip",
  "aws:sourceorgid",
  "aws:sourceorgpaths",
  "aws:sourceowner",
  "aws:sourcevpc",
  "aws:sourcevpcarn",
  "aws:sourcevpce",
  "aws:tagkeys",
  "aws:tokenissuetime",
  "aws:useragent",
  "aws:userid",
  "aws:username",
  "aws:viaawsmcpservice",
  "aws:viaawsservice",
  "aws:vpceaccount",
  "aws:vpceorgid",
  "aws:vpceorgpaths",
  "aws:vpcsourceip",
  "codebuild:buildarn",
  "codebuild:projectarn",
  "ec2:roledelivery",
  "ec2:sourceinstancearn",
  "glue:credentialissuingservice",
  "glue:roleassumedby",
  "identitystore:userid",
  "lambda:sourcefunctionarn",
  "ssm:sourceinstancearn",
]);

/** The actions whose requests have the key (in lower case): every one, or these; undefined for a key that nobody knows. */
export function actionsWithKey(key: string): "every" | readonly S3Action[] | undefined {
  const slash = key.indexOf("/");
  // Tags may have slashes in their names; a prefix without a name behind it is no key.
  const name = slash === -1 ? key : key.slice(0, slash + 1);
  if (slash === key.length - 1) return undefined;
  if (GLOBAL_KEYS.has(name)) return "every";
  return Object.hasOwn(S3_KEYS, name) ? S3_KEYS[name] : undefined;
}
