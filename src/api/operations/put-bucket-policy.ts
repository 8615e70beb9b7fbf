// PutBucketPolicy: replaces the policy of the bucket. The owner's account can always put another, so that
// `x-amz-confirm-remove-self-bucket-access` has nothing to confirm.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html

import { S3Error } from "../../core/s3-error.ts";
import { accessDenied } from "../access/access-denied.ts";
import { BUCKET_POLICY, readPolicy, requireBucketOwner } from "../access/bucket-policy.ts";
import { PUBLIC_ACCESS_BLOCK } from "../access/public-access-block.ts";
import { defineOperation } from "../operation.ts";
import { emptyResponse } from "../response.ts";

export const putBucketPolicy = defineOperation({
  name: "PutBucketPolicy",
  route: { method: "PUT", target: "bucket", query: ["policy"] },
  action: "s3:PutBucketPolicy",
  body: "xml",

  parse: ({ xml }) => {
    if (xml === "") throw new S3Error("MissingRequestBodyError");
    return { text: xml };
  },

  async handle(context, { text }) {
    const { store, settings, account, bucket } = context;
    requireBucketOwner(context);
    const { isPublic } = readPolicy(text, bucket);
    const block = await settings.find(bucket, PUBLIC_ACCESS_BLOCK);
    if (isPublic && block?.BlockPublicPolicy === true) {
      const denial = { account, action: "s3:PutBucketPolicy", bucket, key: "" } as const;
      throw accessDenied(denial, "publicPolicies");
    }
    await store.putBucketConfig(bucket, BUCKET_POLICY.name, text);
    return emptyResponse(204);
  },
});
