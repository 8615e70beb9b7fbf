// ListObjectVersions: all versions and delete markers, by key and age. In a bucket without versioning every object is one
// version, the latest, called "null": clients empty such buckets by this listing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html

import type { ListedVersion, VersionPage } from "../../store/records.ts";
import { keyWriter, parseListing, renderVersions } from "../listing.ts";
import { defineOperation } from "../operation.ts";
import { findText, invalidArgument } from "../params.ts";
import { xmlResponse } from "../response.ts";
import { isVersionId } from "../version-id.ts";
import type { XmlElements } from "../xml/render.ts";

const EMPTY_PAGE: VersionPage = { entries: [], isTruncated: false };

export const listObjectVersions = defineOperation({
  name: "ListObjectVersions",
  route: { method: "GET", target: "bucket", query: ["versions"] },
  action: "s3:ListBucketVersions",

  parse: ({ query }) => {
    const keyMarker = findText(query, "key-marker") || undefined;
    const versionIdMarker = findText(query, "version-id-marker") || undefined;
    checkMarkers(keyMarker, versionIdMarker);
    return { ...parseListing(query, "max-keys"), keyMarker, versionIdMarker };
  },

  async handle({ store, bucket, bucketName, accounts }, { encodingType, ...input }) {
    const { prefix, delimiter, limit, keyMarker, versionIdMarker } = input;
    const page =
      limit === 0 ? EMPTY_PAGE : await store.listVersions({ bucketId: bucket.id, ...input });
    const write = keyWriter(encodingType);
    return xmlResponse("ListVersionsResult", {
      Name: bucketName,
      Prefix: write(prefix),
      KeyMarker: write(keyMarker ?? ""),
      VersionIdMarker: versionIdMarker ?? "",
      ...(page.isTruncated ? nextMarkers(page.entries.at(-1), write) : {}),
      MaxKeys: limit,
      Delimiter: delimiter === "" ? undefined : write(delimiter),
      IsTruncated: page.isTruncated,
      EncodingType: encodingType,
      ...renderVersions(page.entries, { write, owner: accounts }),
    });
  },
});

function checkMarkers(keyMarker: string | undefined, versionIdMarker: string | undefined): void {
  if (versionIdMarker === undefined) return;
  const refuse = (message: string) =>
    invalidArgument("version-id-marker", versionIdMarker, message);
  if (keyMarker === undefined) {
    throw refuse("A version-id marker cannot be specified without a key marker.");
  }
  if (!isVersionId(versionIdMarker)) throw refuse("Invalid version id specified");
}

function nextMarkers(last: ListedVersion | undefined, write: (key: string) => string): XmlElements {
  if (last === undefined) return {};
  if (last.kind === "prefix") return { NextKeyMarker: write(last.prefix) };
  return { NextKeyMarker: write(last.object.key), NextVersionIdMarker: last.versionId };
}
