// ListObjects: the keys of a bucket in order, paged by a marker. The first version, which old clients still speak.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html

import { EMPTY_PAGE, keyWriter, lastEntry, parseListing, renderPage } from "../listing.ts";
import { defineOperation } from "../operation.ts";
import { findText } from "../params.ts";
import { xmlResponse } from "../response.ts";

export const listObjects = defineOperation({
  name: "ListObjects",
  route: { method: "GET", target: "bucket" },
  action: "s3:ListBucket",

  parse: ({ query }) => ({
    ...parseListing(query, "max-keys"),
    marker: findText(query, "marker") ?? "",
  }),

  async handle({ store, bucket, bucketName, accounts }, input) {
    const { prefix, delimiter, limit, marker } = input;
    const after = marker === "" ? undefined : marker;
    const page =
      limit === 0
        ? EMPTY_PAGE
        : await store.listObjects({ bucketId: bucket.id, prefix, delimiter, after, limit });
    const write = keyWriter(input.encodingType);
    const next = page.isTruncated && delimiter !== "" ? lastEntry(page.entries) : undefined;
    return xmlResponse("ListBucketResult", {
      Name: bucketName,
      // Written as it is even where keys are encoded: botocore decodes every other element here, but not this one.
      Prefix: prefix,
      Marker: write(marker),
      // Without a delimiter clients continue after the last key.
      NextMarker: next === undefined ? undefined : write(next),
      MaxKeys: limit,
      Delimiter: delimiter === "" ? undefined : write(delimiter),
      IsTruncated: page.isTruncated,
      EncodingType: input.encodingType,
      ...renderPage(page.entries, { write, owner: accounts }),
    });
  },
});
