# The calls that Terraform's AWS provider makes for a bucket with everything: creation, probes of whatever may be set,
# writes, reads until what was written reads back equal, a second plan that must find no difference, destruction.
# Arguments: endpoint, bucket. Prints a line a call; ends with 1 when a call was not answered as the provider needs it.

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, bucket = sys.argv[1:3]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    region_name="us-east-1",
    config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
)
calls = 0
faults = []


def call(name, absent=None, **params):
    """Makes one call. `absent`: the error code that means that there is none. Returns the answer, None for absent."""
    global calls
    calls += 1
    label = f"{name} {json.dumps(params, default=str)[:100]}"
    try:
        answer = getattr(s3, name)(Bucket=bucket, **params)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if absent is not None and code == absent:
            print(f"ok      {label}: {code}")
            return None
        faults.append(f"{label}: {status} {code} {error.response['Error'].get('Message', '')}")
        print(f"FAILED  {faults[-1]}")
        return None
    answer.pop("ResponseMetadata")
    print(f"ok      {label}")
    return answer


def same(what, found, wanted):
    if found != wanted:
        faults.append(f"{what} reads back as {found!r}, not as {wanted!r}")
        print(f"FAILED  {faults[-1]}")


def pick(answer, *path):
    for name in path:
        answer = None if answer is None else answer.get(name)
    return answer


# What the provider reads of every bucket, each time it looks, and what it takes for "none".
PROBES = {
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_acl": None,
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_bucket_versioning": None,
    "get_bucket_accelerate_configuration": None,
    "get_bucket_request_payment": None,
    "get_bucket_logging": None,
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_location": None,
    "get_bucket_notification_configuration": None,
    "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
    "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
    "get_bucket_policy_status": "NoSuchBucketPolicy",
    "list_bucket_analytics_configurations": None,
    "list_bucket_intelligent_tiering_configurations": None,
    "list_bucket_inventory_configurations": None,
    "list_bucket_metrics_configurations": None,
}


def probe():
    call("head_bucket")
    return {name: call(name, absent=absent) for name, absent in PROBES.items()}


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Tls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/private/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}
CORS = [
    {
        "ID": "one",
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["PUT", "POST"],
        "AllowedOrigins": ["https://a.example", "https://*.b.example"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    },
    {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
]
LIFECYCLE = [
    {
        "ID": "logs",
        "Status": "Enabled",
        "Filter": {
            "And": {
                "Prefix": "log/",
                "Tags": [{"Key": "rule", "Value": "log"}, {"Key": "autoclean", "Value": "true"}],
                "ObjectSizeGreaterThan": 500,
                "ObjectSizeLessThan": 64000,
            }
        },
        "Transitions": [
            {"Days": 30, "StorageClass": "STANDARD_IA"},
            {"Days": 60, "StorageClass": "GLACIER"},
        ],
        "Expiration": {"Days": 90},
    },
    {
        "ID": "tmp",
        "Status": "Disabled",
        "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 1},
    },
    {
        "ID": "versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 3},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "STANDARD_IA"}],
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
    {
        "ID": "markers",
        "Status": "Enabled",
        "Filter": {"Prefix": "m/"},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    },
]
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
        }
    ]
}
BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": True,
}
TAGS = [{"Key": "Environment", "Value": "Dev"}, {"Key": "Name", "Value": "My bucket"}]
LOCK = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 5}},
}
OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}


def write_and_read():
    call("put_bucket_tagging", Tagging={"TagSet": TAGS})
    tags = pick(call("get_bucket_tagging"), "TagSet") or []
    same("tags", sorted(tags, key=lambda tag: tag["Key"]), TAGS)
    call("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    same("versioning", pick(call("get_bucket_versioning"), "Status"), "Enabled")
    call("put_object_lock_configuration", ObjectLockConfiguration=LOCK)
    found = pick(call("get_object_lock_configuration"), "ObjectLockConfiguration")
    same("object lock", found, LOCK)
    call("put_bucket_ownership_controls", OwnershipControls=OWNERSHIP)
    same("ownership", pick(call("get_bucket_ownership_controls"), "OwnershipControls"), OWNERSHIP)
    call("put_public_access_block", PublicAccessBlockConfiguration=BLOCK)
    found = pick(call("get_public_access_block"), "PublicAccessBlockConfiguration")
    same("public access block", found, BLOCK)
    call("put_bucket_acl", ACL="private")
    grants = pick(call("get_bucket_acl"), "Grants") or []
    same("ACL", [grant["Permission"] for grant in grants], ["FULL_CONTROL"])
    call("put_bucket_cors", CORSConfiguration={"CORSRules": CORS})
    same("CORS rules", pick(call("get_bucket_cors"), "CORSRules"), CORS)
    call("put_bucket_policy", Policy=json.dumps(POLICY))
    same("policy", json.loads(pick(call("get_bucket_policy"), "Policy") or "null"), POLICY)
    call("put_bucket_encryption", ServerSideEncryptionConfiguration=ENCRYPTION)
    found = pick(call("get_bucket_encryption"), "ServerSideEncryptionConfiguration")
    same("encryption", found, ENCRYPTION)
    call(
        "put_bucket_lifecycle_configuration",
        LifecycleConfiguration={"Rules": LIFECYCLE},
        TransitionDefaultMinimumObjectSize="all_storage_classes_128K",
    )
    found = call("get_bucket_lifecycle_configuration")
    same("lifecycle", pick(found, "Rules"), LIFECYCLE)
    size = pick(found, "TransitionDefaultMinimumObjectSize")
    same("smallest transition", size, "all_storage_classes_128K")
    call("put_bucket_accelerate_configuration", AccelerateConfiguration={"Status": "Enabled"})
    same("acceleration", pick(call("get_bucket_accelerate_configuration"), "Status"), "Enabled")
    call("put_bucket_request_payment", RequestPaymentConfiguration={"Payer": "Requester"})
    same("payer", pick(call("get_bucket_request_payment"), "Payer"), "Requester")


def objects():
    """aws_s3_object, and the data sources beside it."""
    call(
        "put_object",
        Key="dir/a b.txt",
        Body=b"content",
        ContentType="text/plain",
        Metadata={"k": "v"},
        Tagging="a=b&c=d",
        ChecksumAlgorithm="CRC32",
    )
    head = call("head_object", Key="dir/a b.txt", ChecksumMode="ENABLED")
    same("metadata", pick(head, "Metadata"), {"k": "v"})
    tags = pick(call("get_object_tagging", Key="dir/a b.txt"), "TagSet")
    same("tags of an object", tags, [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    keys = [item["Key"] for item in pick(call("list_objects_v2"), "Contents") or []]
    same("keys", keys, ["dir/a b.txt"])


def destroy():
    call("put_bucket_request_payment", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    call("put_bucket_accelerate_configuration", AccelerateConfiguration={"Status": "Suspended"})
    call("delete_bucket_lifecycle")
    call("delete_bucket_encryption")
    call("delete_bucket_policy")
    call("delete_bucket_cors")
    call("delete_public_access_block")
    call("delete_bucket_ownership_controls")
    call("put_object_lock_configuration", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    call("put_bucket_logging", BucketLoggingStatus={})
    call("put_bucket_notification_configuration", NotificationConfiguration={})
    call("delete_bucket_website")
    call("delete_bucket_replication")
    call("delete_bucket_tagging")
    # force_destroy.
    found = call("list_object_versions") or {}
    versions = found.get("Versions", []) + found.get("DeleteMarkers", [])
    names = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
    call("delete_objects", Delete={"Objects": names, "Quiet": True}, BypassGovernanceRetention=True)
    call("delete_bucket")
    call("head_bucket", absent="404")


call("create_bucket", ObjectLockEnabledForBucket=True)
probe()
write_and_read()
before = probe()
objects()
for name, answer in probe().items():
    same(f"the second plan: {name}", answer, before[name])
destroy()
print(f"\n{calls} calls, {len(faults)} of them or of what they read not as it must be")
sys.exit(1 if faults else 0)
