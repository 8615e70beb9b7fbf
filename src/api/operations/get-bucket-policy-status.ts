// GetBucketPolicyStatus: whether the bucket is open to everybody.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html
//
// Differs from AWS: a bucket without a policy has a status too (there NoSuchBucketPolicy), and an access control list that
// is open to everybody makes it public as a policy does. ceph/s3-tests asks for both.

import { bucketGrants } from "../access/acl-in-force.ts";
import { isPublicAcl } from "../access/acl.ts";
import { BUCKET_POLICY } from "../access/bucket-policy.ts";
import { defineOperation } from "../operation.ts";
import { xmlResponse } from "../response.ts";

export const getBucketPolicyStatus = defineOperation({
  name: "GetBucketPolicyStatus",
  route: { method: "GET", target: "bucket", query: ["policyStatus"] },
  action: "s3:GetBucketPolicyStatus",
  parse: () => undefined,

  async handle({ settings, bucket }) {
    const policy = await settings.find(bucket, BUCKET_POLICY);
    const isPublic = policy?.isPublic === true || isPublicAcl(await bucketGrants(settings, bucket));
    return xmlResponse("PolicyStatus", { IsPublic: isPublic });
  },
});
