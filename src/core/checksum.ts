// The checksum algorithms of S3 as nouns: names, headers, lengths, types. The hashing itself is in util/.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

/** `COMPOSITE` is a checksum of the parts' checksums, `FULL_OBJECT` one of all bytes. */
export type ChecksumType = "COMPOSITE" | "FULL_OBJECT";

interface ChecksumTraits {
  readonly sizeBytes: number;
  /**
   * What an object of several parts can have, the default first: CRCs of parts can be combined to one of all bytes, hashes
   * cannot; S3 offers CRC64NVME in no other way. An object of one PUT has `FULL_OBJECT` by any algorithm.
   */
  readonly ofParts: readonly [ChecksumType, ...ChecksumType[]];
}

/** In the order in which AWS lists them. */
export const CHECKSUMS = {
  CRC32: { sizeBytes: 4, ofParts: ["COMPOSITE", "FULL_OBJECT"] },
  CRC32C: { sizeBytes: 4, ofParts: ["COMPOSITE", "FULL_OBJECT"] },
  CRC64NVME: { sizeBytes: 8, ofParts: ["FULL_OBJECT"] },
  SHA1: { sizeBytes: 20, ofParts: ["COMPOSITE"] },
  SHA256: { sizeBytes: 32, ofParts: ["COMPOSITE"] },
  SHA512: { sizeBytes: 64, ofParts: ["COMPOSITE"] },
  MD5: { sizeBytes: 16, ofParts: ["COMPOSITE"] },
  XXHASH64: { sizeBytes: 8, ofParts: ["COMPOSITE"] },
  XXHASH3: { sizeBytes: 8, ofParts: ["COMPOSITE"] },
  XXHASH128: { sizeBytes: 16, ofParts: ["COMPOSITE"] },
} as const satisfies Readonly<Record<string, ChecksumTraits>>;

export type ChecksumAlgorithm = keyof typeof CHECKSUMS;

export const CHECKSUM_ALGORITHMS = Object.keys(CHECKSUMS) as readonly ChecksumAlgorithm[];

/** What S3 computes and keeps where the client names no algorithm. */
export const DEFAULT_CHECKSUM_ALGORITHM = "CRC64NVME" satisfies ChecksumAlgorithm;

export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64; a composite value ends in `-` and the number of parts. */
  readonly value: string;
}

/** The types that the checksum of several parts can have, the default first. */
export function checksumTypesOfParts(
  algorithm: ChecksumAlgorithm,
): readonly [ChecksumType, ...ChecksumType[]] {
  return CHECKSUMS[algorithm].ofParts;
}

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
