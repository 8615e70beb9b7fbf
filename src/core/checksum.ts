// The checksum algorithms of S3 as nouns: names, headers, lengths. The hashing itself is in util/.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** `COMPOSITE` is a checksum of the parts' checksums, `FULL_OBJECT` one of all bytes. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64; a composite value ends in `-` and the number of parts. */
  readonly value: string;
}

export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** The header (and trailer) that carries a value: `x-amz-checksum-crc32c`. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element and JSON member that carries a value: `ChecksumCRC32C`. */
export function checksumElement(algorithm: ChecksumAlgorithm): `Checksum${ChecksumAlgorithm}` {
  return `Checksum${algorithm}`;
}

export function parseChecksumAlgorithm(text: string): ChecksumAlgorithm | undefined {
  const wanted = text.toUpperCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === wanted);
}
