// The bytes of a reading as an upload body, for copies within the store: with the checksum that the copy is to have.

import type { ChecksumAlgorithm, ObjectChecksum } from "../core/checksum.ts";
import {
  createChecksumHasher,
  loadChecksumHasher,
  type ChecksumHasher,
} from "../util/checksum-hasher.ts";
import type { ByteWindows } from "./byte-window.ts";
import type { UploadBody } from "./upload-body.ts";

export async function bodyOfReading(
  windows: ByteWindows,
  sizeBytes: number,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<UploadBody> {
  if (algorithm !== undefined) await loadChecksumHasher(algorithm);
  const hasher = algorithm === undefined ? undefined : createChecksumHasher(algorithm);
  let checksum: ObjectChecksum | undefined;
  const finish = (): void => {
    if (hasher === undefined || algorithm === undefined) return;
    checksum = { algorithm, type: "FULL_OBJECT", value: hasher.digestBase64() };
  };
  return {
    sizeBytes,
    chunks: hashedChunks(windows, hasher, finish),
    expectedMd5: undefined,
    checksums: () => (checksum === undefined ? [] : [checksum]),
  };
}

async function* hashedChunks(
  windows: ByteWindows,
  hasher: ChecksumHasher | undefined,
  finish: () => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const window of windows) {
    try {
      for (const chunk of window.chunks) {
        hasher?.update(chunk);
        yield chunk;
      }
    } finally {
      window.release();
    }
  }
  finish();
}

/** Reads to the end for the checksum alone. */
export async function checksumOfReading(
  windows: ByteWindows,
  algorithm: ChecksumAlgorithm,
): Promise<ObjectChecksum> {
  await loadChecksumHasher(algorithm);
  const hasher = createChecksumHasher(algorithm);
  for await (const window of windows) {
    for (const chunk of window.chunks) hasher.update(chunk);
    window.release();
  }
  return { algorithm, type: "FULL_OBJECT", value: hasher.digestBase64() };
}
