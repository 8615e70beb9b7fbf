// Checksums between records and the wire: the headers and XML elements that carry them, and what a request announces.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

import {
  CHECKSUM_ALGORITHMS,
  checksumElement,
  checksumHeader,
  parseChecksumAlgorithm,
} from "../core/checksum.ts";
import type { ChecksumAlgorithm, ChecksumType, ObjectChecksum } from "../core/checksum.ts";
import { S3Error } from "../core/s3-error.ts";

type Headers = ReadonlyMap<string, string>;

/** The value's header and its type's, as answers about whole objects have them. */
export function checksumHeaders(checksum: ObjectChecksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return {
    [checksumHeader(checksum.algorithm)]: checksum.value,
    "x-amz-checksum-type": checksum.type,
  };
}

/** The value's element and its type's, as answers about whole objects have them. */
export function checksumElements(checksum: ObjectChecksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type };
}

/** The element of a part's checksum: a part has no type. */
export function partChecksumElements(
  checksums: readonly ObjectChecksum[],
  wanted?: ChecksumAlgorithm,
): Record<string, string> {
  const shown = shownChecksum(checksums, wanted);
  return shown === undefined ? {} : { [checksumElement(shown.algorithm)]: shown.value };
}

/** The header of a part's checksum. */
export function partChecksumHeaders(
  checksums: readonly ObjectChecksum[],
  wanted?: ChecksumAlgorithm,
): Record<string, string> {
  const shown = shownChecksum(checksums, wanted);
  return shown === undefined ? {} : { [checksumHeader(shown.algorithm)]: shown.value };
}

/** That of the object's algorithm, where one is wanted and there; else the one that the client sent. */
function shownChecksum(
  checksums: readonly ObjectChecksum[],
  wanted: ChecksumAlgorithm | undefined,
): ObjectChecksum | undefined {
  return checksums.find(({ algorithm }) => algorithm === wanted) ?? checksums[0];
}

/** The checksum that a request carries in a header or announces in its trailer. */
export function findAnnouncedAlgorithm(headers: Headers): ChecksumAlgorithm | undefined {
  const trailer = headers.get("x-amz-trailer") ?? "";
  const trailers = new Set(trailer.split(",").map((name) => name.trim().toLowerCase()));
  return CHECKSUM_ALGORITHMS.find((algorithm) => {
    const header = checksumHeader(algorithm);
    return headers.has(header) || trailers.has(header);
  });
}

/** `x-amz-checksum-algorithm` of requests that start an upload or copy. @throws S3Error InvalidRequest */
export function findRequestedAlgorithm(headers: Headers): ChecksumAlgorithm | undefined {
  const text = headers.get("x-amz-checksum-algorithm");
  if (text === undefined) return undefined;
  const algorithm = parseChecksumAlgorithm(text);
  if (algorithm !== undefined) return algorithm;
  throw new S3Error("InvalidRequest", {
    message: `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(", ")}]`,
  });
}

/** `x-amz-checksum-type`. @throws S3Error InvalidRequest */
export function findRequestedType(headers: Headers): ChecksumType | undefined {
  const text = headers.get("x-amz-checksum-type");
  if (text === undefined || text === "COMPOSITE" || text === "FULL_OBJECT") return text;
  throw new S3Error("InvalidRequest", {
    message: "Value for x-amz-checksum-type header is invalid.",
  });
}
