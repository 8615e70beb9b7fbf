// The limits of Amazon S3 and our own bounds, in one place. Everything that a client can make grow is bounded here.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** A key's length limit in UTF-8 bytes. */
export const KEY_BYTES_MAX = 1024;
/** User metadata: names and values together, in bytes. */
export const USER_METADATA_BYTES_MAX = 2 * KIB;
/** The header section of a request. */
export const HEADER_SECTION_BYTES_MAX = 8 * KIB;
/** Connections that a process has open at a time. */
export const CONNECTIONS_MAX = 16_384;

/**
 * Connections that the kernel keeps until they are accepted, where its own bound (`net.core.somaxconn`) allows it. With Node's
 * 511, a thousand that come at once while the machine is busy end in SYN cookies, and some of them are reset.
 */
export const LISTEN_BACKLOG = 4_096;
/** What the HTTP parser takes of request line and headers together before it gives up. */
export const HTTP_HEAD_BYTES_MAX = 32 * KIB;
/** Largest body of a single PUT, and of one part. */
export const PUT_BYTES_MAX = 5 * GIB;
/** Largest object. AWS raised it from 5 TB to 50 TB in December 2025. */
export const OBJECT_BYTES_MAX = 10_000 * PUT_BYTES_MAX;
/** Smallest part, except the last one. */
export const PART_BYTES_MIN = 5 * MIB;
export const PART_NUMBER_MAX = 10_000;
/** Entries of one page of any listing. */
export const PAGE_SIZE_MAX = 1_000;
/** Pages of ListBuckets. */
export const BUCKET_PAGE_SIZE_MAX = 10_000;
/** Keys of one DeleteObjects request. */
export const DELETE_KEYS_MAX = 1_000;
/** An XML body (DeleteObjects with 1,000 long keys is the largest). */
export const XML_BODY_BYTES_MAX = 4 * MIB;
/** A bucket policy, as text. */
export const POLICY_BYTES_MAX = 20 * KIB;
export const OBJECT_TAGS_MAX = 10;
export const BUCKET_TAGS_MAX = 50;
export const TAG_KEY_LENGTH_MAX = 128;
export const TAG_VALUE_LENGTH_MAX = 256;
/** The longest life of a presigned URL: seven days. */
export const PRESIGN_SECONDS_MAX = 604_800;
/** How far a request's date may be from ours. */
export const CLOCK_SKEW_MS_MAX = 15 * 60 * 1000;
/** Objects up to this size lie in the metadata, beside their row. */
export const INLINE_BYTES_MAX = 16 * KIB;
/** Larger ones, up to this size, share packs. */
export const PACK_BYTES_MAX = MIB;
/** One unit of a stripe: what one shard holds of it. */
export const UNIT_BYTES = 64 * KIB;
