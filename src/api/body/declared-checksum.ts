// Which checksum a request says that its body has, and where the value is: in a header, or in the trailer.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

import type { PayloadPlan } from "../../auth/authenticate.ts";
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUMS,
  type ChecksumAlgorithm,
  checksumHeader,
  parseChecksumAlgorithm,
} from "../../core/checksum.ts";
import { S3Error } from "../../core/s3-error.ts";
import { decodeBase64 } from "./decode-base64.ts";

export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; undefined when the trailer brings it. */
  readonly value: string | undefined;
}

type Headers = ReadonlyMap<string, string>;

/** Headers of that prefix that are not checksums of this body. */
const NOT_VALUES: ReadonlySet<string> = new Set([
  "x-amz-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-checksum-type",
]);

const ALGORITHM_BY_HEADER: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  CHECKSUM_ALGORITHMS.map((algorithm) => [checksumHeader(algorithm), algorithm]),
);

/**
 * Undefined when the request declares none.
 * @throws S3Error InvalidRequest, BadDigest for a value that cannot be that of any body
 */
export function parseDeclaredChecksum(
  headers: Headers,
  payload: PayloadPlan,
): DeclaredChecksum | undefined {
  const inHeader = [...headers.keys()].filter(
    (name) => name.startsWith("x-amz-checksum-") && !NOT_VALUES.has(name),
  );
  const inTrailer = declaredTrailers(headers);
  if (inTrailer.length > 0 && !(payload.kind === "chunked" && payload.hasTrailer)) {
    throw invalid("x-amz-trailer needs a body with a trailer.");
  }
  const [name, ...others] = [...inHeader, ...inTrailer];
  if (others.length > 0) {
    throw invalid(
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    );
  }
  const algorithm = name === undefined ? undefined : ALGORITHM_BY_HEADER.get(name);
  checkSdkAlgorithm(headers, algorithm);
  if (name === undefined) return undefined;
  if (algorithm === undefined) {
    throw invalid(
      inTrailer.length > 0
        ? "The value specified in the x-amz-trailer header is not supported"
        : "The algorithm type you specified in x-amz-checksum- header is invalid.",
    );
  }
  const value = headers.get(name);
  return { algorithm, value: value === undefined ? undefined : parseChecksum(algorithm, value) };
}

/**
 * A base64 value of the algorithm's length.
 * @throws S3Error InvalidRequest for another length; BadDigest for what is not base64 at all, as ceph/s3-tests ask
 */
export function parseChecksum(algorithm: ChecksumAlgorithm, text: string): string {
  const value = text.trim();
  const bytes = decodeBase64(value);
  if (bytes === undefined) throw checksumMismatch(algorithm);
  if (bytes.length === CHECKSUMS[algorithm].sizeBytes) return value;
  throw invalid(`Value for ${checksumHeader(algorithm)} header is invalid.`);
}

export function checksumMismatch(algorithm: ChecksumAlgorithm): S3Error {
  return new S3Error("BadDigest", {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}

/** The lower-case names that x-amz-trailer lists. */
function declaredTrailers(headers: Headers): readonly string[] {
  return (headers.get("x-amz-trailer") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

function checkSdkAlgorithm(headers: Headers, found: ChecksumAlgorithm | undefined): void {
  const text = headers.get("x-amz-sdk-checksum-algorithm");
  if (text === undefined) return;
  const algorithm = parseChecksumAlgorithm(text);
  if (algorithm === undefined || (found !== undefined && found !== algorithm)) {
    throw invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (found === undefined) {
    throw invalid(
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
}

function invalid(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
