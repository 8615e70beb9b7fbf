// PutBucketLifecycleConfiguration: replaces the rules by which objects of a bucket expire. Also PutBucketLifecycle, its older
// form, with prefixes in the place of filters.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html

import {
  renderLifecycleDocument,
  TRANSITION_MINIMUM_SIZES,
  type TransitionMinimumSize,
} from "../../lifecycle/lifecycle-rule.ts";
import type { Headers } from "../headers.ts";
import { LIFECYCLE_DOCUMENT, MINIMUM_SIZE_HEADER } from "../lifecycle/lifecycle-document.ts";
import { parseLifecycleConfiguration } from "../lifecycle/parse-lifecycle.ts";
import { defineOperation } from "../operation.ts";
import { invalidArgument } from "../params.ts";
import { emptyResponse } from "../response.ts";

export const putBucketLifecycleConfiguration = defineOperation({
  name: "PutBucketLifecycleConfiguration",
  route: { method: "PUT", target: "bucket", query: ["lifecycle"] },
  action: "s3:PutLifecycleConfiguration",
  body: "xml",
  isDigestRequired: true,
  partly:
    "transitions are kept and shown, and do nothing: there are no other storage classes to go to",
  parse: ({ headers, xml }) => ({
    minimumSize: readMinimumSize(headers),
    rules: parseLifecycleConfiguration(xml),
  }),
  async handle({ store, bucket }, configuration) {
    const text = renderLifecycleDocument(configuration);
    await store.putBucketConfig(bucket, LIFECYCLE_DOCUMENT.name, text);
    return emptyResponse(200, { [MINIMUM_SIZE_HEADER]: configuration.minimumSize });
  },
});

function readMinimumSize(headers: Headers): TransitionMinimumSize {
  const text = headers.get(MINIMUM_SIZE_HEADER);
  if (text === undefined) return TRANSITION_MINIMUM_SIZES[0];
  const known = TRANSITION_MINIMUM_SIZES.find((name) => name === text);
  if (known !== undefined) return known;
  throw invalidArgument(MINIMUM_SIZE_HEADER, text, `Value for ${MINIMUM_SIZE_HEADER} is invalid.`);
}
