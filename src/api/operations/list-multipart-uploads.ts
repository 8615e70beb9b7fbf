// ListMultipartUploads: the uploads of a bucket that are neither completed nor aborted, by key and age.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html

import type { AccountDirectory } from "../../auth/account-directory.ts";
import type { ListedUpload, UploadPage, UploadRecord } from "../../store/records.ts";
import { keyWriter, listedTime, parseListing } from "../listing.ts";
import { defineOperation } from "../operation.ts";
import { ownerElement } from "../owner.ts";
import { findText } from "../params.ts";
import { xmlResponse } from "../response.ts";
import type { XmlElements } from "../xml/render.ts";

type KeyWriter = (key: string) => string;

const EMPTY_PAGE: UploadPage = { entries: [], isTruncated: false };

export const listMultipartUploads = defineOperation({
  name: "ListMultipartUploads",
  route: { method: "GET", target: "bucket", query: ["uploads"] },
  action: "s3:ListBucketMultipartUploads",

  parse: ({ query }) => ({
    ...parseListing(query, "max-uploads"),
    keyMarker: findText(query, "key-marker") || undefined,
    uploadIdMarker: findText(query, "upload-id-marker") || undefined,
  }),

  async handle({ store, bucket, bucketName, accounts }, { encodingType, ...input }) {
    const { prefix, delimiter, limit, keyMarker } = input;
    // Without the key that it belongs to the second marker means nothing.
    const uploadIdMarker = keyMarker === undefined ? undefined : input.uploadIdMarker;
    const query = { bucketId: bucket.id, prefix, delimiter, keyMarker, uploadIdMarker, limit };
    const page = limit === 0 ? EMPTY_PAGE : await store.listUploads(query);
    const write = keyWriter(encodingType);
    return xmlResponse("ListMultipartUploadsResult", {
      Bucket: bucketName,
      KeyMarker: write(keyMarker ?? ""),
      UploadIdMarker: input.uploadIdMarker ?? "",
      ...(page.isTruncated ? nextMarkers(page.entries.at(-1), write) : {}),
      Prefix: write(prefix),
      Delimiter: delimiter === "" ? undefined : write(delimiter),
      MaxUploads: limit,
      IsTruncated: page.isTruncated,
      EncodingType: encodingType,
      ...renderUploads(page.entries, write, accounts),
    });
  },
});

function nextMarkers(last: ListedUpload | undefined, write: KeyWriter): XmlElements {
  if (last === undefined) return {};
  if (last.kind === "prefix") return { NextKeyMarker: write(last.prefix), NextUploadIdMarker: "" };
  return { NextKeyMarker: write(last.upload.key), NextUploadIdMarker: last.upload.uploadId };
}

function renderUploads(
  entries: readonly ListedUpload[],
  write: KeyWriter,
  accounts: AccountDirectory,
): XmlElements {
  const uploads: XmlElements[] = [];
  const prefixes: XmlElements[] = [];
  for (const entry of entries) {
    if (entry.kind === "prefix") prefixes.push({ Prefix: write(entry.prefix) });
    else uploads.push(renderUpload(entry.upload, write, accounts));
  }
  return { Upload: uploads, CommonPrefixes: prefixes };
}

function renderUpload(
  upload: UploadRecord,
  write: KeyWriter,
  accounts: AccountDirectory,
): XmlElements {
  return {
    Key: write(upload.key),
    UploadId: upload.uploadId,
    Initiator: ownerElement(upload.initiatorId, accounts),
    Owner: ownerElement(upload.ownerId, accounts),
    StorageClass: upload.storageClass,
    Initiated: listedTime(upload.initiatedAt),
    ChecksumAlgorithm: upload.checksumAlgorithm,
    ChecksumType: upload.checksumType,
  };
}
