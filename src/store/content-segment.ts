// What a range of an object's, or part's, own bytes is to the reader: bytes in memory, or a range of a run of shards; of
// sealed bytes the chunks that hold the range, and what opens them.

import { S3Error } from "../core/s3-error.ts";
import type { ByteRange } from "../erasure/stripe.ts";
import type { Content } from "../metadata/records.ts";
import { ChunkOpener, SealBrokenError } from "./encryption/chunk-opener.ts";
import { parseEncryption, requireSealing } from "./encryption/encryption-text.ts";
import { storedBytesOf, type RowOfBytes } from "./encryption/stored-bytes.ts";
import type { Segment } from "./read-segments.ts";
import { runOf } from "./set-run.ts";

const NO_BYTES = new Uint8Array(0);

export interface ReadKeys {
  /** What the metadata holds of inline content. */
  readonly bytes: Uint8Array | undefined;
  /** Of sealed bytes. */
  readonly dataKey: Uint8Array | undefined;
}

/** @throws S3Error InternalError where bytes are sealed and there is no key, or the other way about. */
export function segmentsOf(
  row: RowOfBytes,
  content: Content,
  range: ByteRange,
  { bytes, dataKey }: ReadKeys,
): readonly Segment[] {
  if (range.start >= range.end) return [];
  const opener = openerOf(row, range, dataKey);
  const stored = opener?.sealed ?? range;
  if (content.kind !== "inline") {
    return [{ kind: "set", run: runOf(content, storedBytesOf(row)), range: stored, opener }];
  }
  return openInline(opener, bytes?.subarray(stored.start, stored.end)).map((piece) => ({
    kind: "bytes",
    bytes: piece,
  }));
}

/** A range of inline bytes. @throws S3Error as `segmentsOf` */
export function inlineBytes(row: RowOfBytes, range: ByteRange, keys: ReadKeys): Uint8Array {
  const opener = openerOf(row, range, keys.dataKey);
  const { start, end } = opener?.sealed ?? range;
  const [first = NO_BYTES, ...others] = openInline(opener, keys.bytes?.subarray(start, end));
  return others.length === 0 ? first : Buffer.concat([first, ...others]);
}

function openerOf(
  { encryption, sizeBytes }: RowOfBytes,
  range: ByteRange,
  dataKey: Uint8Array | undefined,
): ChunkOpener | undefined {
  if (encryption === undefined && dataKey === undefined) return undefined;
  if (encryption === undefined || dataKey === undefined) {
    const words = "bytes and their key do not belong together, or nobody has unlocked the reading";
    throw new S3Error("InternalError", { cause: new Error(words) });
  }
  const sealing = requireSealing(parseEncryption(encryption));
  return new ChunkOpener({ dataKey, sealing, sizeBytes }, range);
}

function openInline(
  opener: ChunkOpener | undefined,
  bytes: Uint8Array = NO_BYTES,
): readonly Uint8Array[] {
  if (opener === undefined) return [bytes];
  try {
    return opener.open([bytes]);
  } catch (error) {
    if (!(error instanceof SealBrokenError)) throw error;
    throw new S3Error("InternalError", { cause: error });
  }
}
