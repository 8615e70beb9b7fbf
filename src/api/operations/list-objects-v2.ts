// ListObjectsV2: the keys of a bucket in order, paged by opaque tokens.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

import {
  continuationToken,
  EMPTY_PAGE,
  keyWriter,
  lastEntry,
  parseContinuationToken,
  parseListing,
  renderPage,
} from "../listing.ts";
import { defineOperation } from "../operation.ts";
import { findText } from "../params.ts";
import { xmlResponse } from "../response.ts";

export const listObjectsV2 = defineOperation({
  name: "ListObjectsV2",
  route: { method: "GET", target: "bucket", query: ["list-type=2"] },
  action: "s3:ListBucket",

  parse: ({ query }) => {
    const token = findText(query, "continuation-token");
    const startAfter = findText(query, "start-after");
    return {
      ...parseListing(query, "max-keys"),
      token,
      startAfter,
      // A token carries on where its page ended, wherever the listing began.
      after: token ? parseContinuationToken(token) : startAfter || undefined,
      isOwnerWanted: findText(query, "fetch-owner") === "true",
    };
  },

  async handle({ store, bucket, bucketName, accounts }, input) {
    const { prefix, delimiter, limit, after } = input;
    const page =
      limit === 0
        ? EMPTY_PAGE
        : await store.listObjects({ bucketId: bucket.id, prefix, delimiter, after, limit });
    const write = keyWriter(input.encodingType);
    const next = page.isTruncated ? lastEntry(page.entries) : undefined;
    return xmlResponse("ListBucketResult", {
      Name: bucketName,
      Prefix: write(prefix),
      StartAfter: input.startAfter === undefined ? undefined : write(input.startAfter),
      ContinuationToken: input.token,
      NextContinuationToken: next === undefined ? undefined : continuationToken(next),
      KeyCount: page.entries.length,
      MaxKeys: limit,
      Delimiter: delimiter === "" ? undefined : write(delimiter),
      IsTruncated: page.isTruncated,
      EncodingType: input.encodingType,
      ...renderPage(page.entries, { write, owner: input.isOwnerWanted ? accounts : undefined }),
    });
  },
});
