// ListObjectVersions: in a bucket without versioning every object is one version, the latest, called "null". Clients
// empty such buckets by this listing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html

import { EMPTY_PAGE, keyWriter, lastEntry, parseListing, renderPage } from "../listing.ts";
import { defineOperation } from "../operation.ts";
import { findText, invalidArgument } from "../params.ts";
import { xmlResponse } from "../response.ts";
import { NULL_VERSION } from "../version-id.ts";

/** What the element of an object says of it as a version. */
const ONLY_VERSION = `<VersionId>${NULL_VERSION}</VersionId><IsLatest>true</IsLatest>`;

export const listObjectVersions = defineOperation({
  name: "ListObjectVersions",
  route: { method: "GET", target: "bucket", query: ["versions"] },
  action: "s3:ListBucketVersions",

  parse: ({ query }) => {
    const keyMarker = findText(query, "key-marker") ?? "";
    const versionIdMarker = findText(query, "version-id-marker");
    if (versionIdMarker !== undefined && keyMarker === "") {
      throw invalidArgument(
        "version-id-marker",
        versionIdMarker,
        "A version-id marker cannot be specified without a key marker.",
      );
    }
    return { ...parseListing(query, "max-keys"), keyMarker, versionIdMarker };
  },

  async handle({ store, bucket, bucketName, account }, input) {
    const { prefix, delimiter, limit, keyMarker } = input;
    const after = keyMarker === "" ? undefined : keyMarker;
    const page =
      limit === 0
        ? EMPTY_PAGE
        : await store.listObjects({ bucketId: bucket.id, prefix, delimiter, after, limit });
    const write = keyWriter(input.encodingType);
    const last = page.entries.at(-1);
    const next = page.isTruncated ? lastEntry(page.entries) : undefined;
    return xmlResponse("ListVersionsResult", {
      Name: bucketName,
      Prefix: write(prefix),
      KeyMarker: write(keyMarker),
      VersionIdMarker: input.versionIdMarker ?? "",
      NextKeyMarker: next === undefined ? undefined : write(next),
      NextVersionIdMarker: next !== undefined && last?.kind === "object" ? NULL_VERSION : undefined,
      MaxKeys: limit,
      Delimiter: delimiter === "" ? undefined : write(delimiter),
      IsTruncated: page.isTruncated,
      EncodingType: input.encodingType,
      ...renderPage(page.entries, {
        write,
        owner: account,
        element: "Version",
        more: ONLY_VERSION,
      }),
    });
  },
});
